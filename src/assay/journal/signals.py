"""Every signal that probes record: name, title, unit, places, probe, and what it says."""

from __future__ import annotations

from .schema import Declared, Per, Signal

_NO_LOSS_CALL = "no loss function of torch.nn was called"
_NO_TARGET = "no loss function of torch.nn was given a target of numbers"
_NO_CLASSES = "no loss function of torch.nn was given class labels"
_NO_DOMAIN = "no loss of classes or rates was called, and no distribution was built"
_NO_GRADIENT = "no parameter of an optimizer had a gradient"
_ALONE = "the process trained alone: no group of two processes was there"
_NO_MODEL = "no model was called"
_NO_INPUT = "no model was given a tensor"
_NO_NUMBERS = "no model was given a tensor of floating-point numbers"
_NO_EVALUATION = (
    "no trained model was called with gradients off, after eval() or a loss without gradients"
)
_NO_EVALUATION_AT_ALL = (
    "no evaluation called a trained model: none followed eval(), a region without gradients or a "
    "loss without them"
)
_NO_SECOND_MODE = "no batch could be computed again in evaluation mode"
_NO_BATCH_NORM = "no batch norm with running statistics was called in training mode"
_NO_HELD_OUT = "no loss was computed with gradients off"
_NO_AVERAGE = (
    "no evaluation called a model of the shape of a trained one that no optimizer holds, twice"
)
_NO_DATA_LAYER = (
    "no trainable layer was given data as they are (floating-point numbers, at least 32 of them)"
)
_NO_CLIPPING = "clip_grad_norm_ was not called"
_NO_BACKWARD = "no step followed a call of backward() on one scalar loss"

SIGNALS: Declared[Signal] = Declared("signal", (
    # -- every step ----------------------------------------------------------------------------
    Signal(
        "loss", "Loss", "", Per.WHOLE, "clock",
        "sum of the scalars that backward() was called on for this step",
        absent=_NO_BACKWARD,
        always=True,
    ),
    Signal(
        "learning_rate", "Learning rate", "", Per.GROUP, "clock",
        "rate that the step was taken at, written when it changes",
        absent="the optimizer has no learning rate",
        always=True,
    ),
    Signal(
        "time_s", "Time", "s", Per.WHOLE, "clock",
        "the process's monotonic clock after every so many steps",
        absent="no block of steps was written",
        always=True,
    ),
    Signal(
        "loss_scale", "Loss scale", "", Per.WHOLE, "notes",
        "factor of the GradScaler, written when it changes",
        absent="no GradScaler was updated",
        always=True,
    ),
    # -- gradients, weights, updates -----------------------------------------------------------
    Signal(
        "grad_norm", "Gradient norm", "loss / weight", Per.PARAMETER | Per.WHOLE, "gradients",
        "Euclidean norm of the gradient as the optimizer uses it, after unscaling and clipping",
        absent=_NO_GRADIENT,
    ),
    Signal(
        "grad_max", "Largest gradient", "loss / weight", Per.PARAMETER, "gradients",
        "largest absolute value in the gradient",
        absent=_NO_GRADIENT,
    ),
    Signal(
        "grad_zero_share", "Zero share of gradients", "share", Per.PARAMETER, "gradients",
        "share of the gradient's elements that are exactly zero (among 8,192 if it has more)",
        absent=_NO_GRADIENT,
    ),
    Signal(
        "grad_nonfinite_share", "Non-finite share of gradients", "share", Per.PARAMETER,
        "gradients", "share of the gradient's elements that are NaN or infinite",
        absent=_NO_GRADIENT,
    ),
    Signal(
        "weight_norm", "Weight norm", "weight", Per.PARAMETER, "gradients",
        "Euclidean norm of the parameter before the step",
        absent=_NO_GRADIENT,
    ),
    Signal(
        "weight_fingerprint", "Weight fingerprint", "", Per.PARAMETER | Per.WHOLE, "gradients",
        "a number for the bits of the parameter before the step, equal for equal weights; of each "
        "parameter at the first step only, of all together at each",
        absent=_NO_GRADIENT,
    ),
    Signal(
        "grad_fingerprint", "Gradient fingerprint", "", Per.WHOLE, "ranks",
        "a number for the bits of the gradient as the optimizer uses it, equal for equal gradients",
        absent=_ALONE,
    ),
    Signal(
        "reduced_passes", "Passes that were averaged", "passes", Per.WHOLE, "ranks",
        "calls of a DistributedDataParallel for the step whose gradients it averages over ranks",
        absent="no DistributedDataParallel over several ranks was trained",
    ),
    Signal(
        "random_state", "Random state before", "", Per.WHOLE, "ranks",
        "a number for the state of torch's generators before the first call of a model",
        absent=_ALONE,
    ),
    Signal(
        "random_state_after", "Random state after", "", Per.WHOLE, "ranks",
        "the same as its last backward pass ends: another one if something was drawn",
        absent=_ALONE,
    ),
    Signal(
        "grad_sum", "Weighted sum of the gradient", "loss / weight", Per.WHOLE, "ranks",
        "sum of the gradient's elements (8,192 of each parameter), each by a weight of its own, as "
        "the optimizer uses it; that of an average is the average of such sums",
        absent=_ALONE,
    ),
    Signal(
        "local_grad_sum", "Weighted sum after backward", "loss / weight", Per.WHOLE, "ranks",
        "the same sum of what the last backward pass left",
        absent=_ALONE,
    ),
    Signal(
        "weight_nonfinite_share", "Non-finite share of weights", "share", Per.PARAMETER,
        "gradients", "share of the parameter's elements that were NaN or infinite before the step",
        absent=_NO_GRADIENT,
    ),
    Signal(
        "update_norm", "Update norm", "weight", Per.PARAMETER, "gradients",
        "Euclidean norm of what the step added to the parameter",
        absent=_NO_GRADIENT,
    ),
    Signal(
        "weight_changed_share", "Changed share of weights", "share", Per.PARAMETER | Per.WHOLE,
        "gradients", "share of the elements that the step changed (among 8,192 if it has more)",
        absent=_NO_GRADIENT,
    ),
    Signal(
        "stale_grad_norm", "Gradient left over", "loss / weight", Per.WHOLE, "gradients",
        "norm of the gradients that were still there when backward() began; the least of one step",
        absent="backward() was not called after an optimizer's first step",
    ),
    Signal(
        "derivative_constant", "Derivative without graph", "1 or 0", Per.GRAD_CALL, "derivatives",
        "whether a derivative of the model by its input was made without a graph, and added to "
        "what the loss is computed from",
        absent="torch.autograd.grad was not called for a derivative of a model by its input",
    ),
    Signal(
        "stale_in_closure", "Gradient left over in a closure", "loss / weight", Per.WHOLE,
        "closures",
        "norm of the gradients that were still there when a closure that step() called again began "
        "its backward pass; the least of one step",
        absent="no step called its closure more than once",
    ),
    Signal(
        "backward_passes", "Backward passes", "passes", Per.WHOLE, "optimizers",
        "calls of backward() that the step was taken for",
        absent="no step followed a call of backward()",
    ),
    Signal(
        "passes_wasted", "Passes wasted", "share", Per.WHOLE, "wasted",
        "of the backward passes before a step, the share of those whose gradients were cleared and "
        "never used",
        absent="no step followed a call of backward()",
    ),
    Signal(
        "judge_asks", "What is asked of a judge's answers", "1", Per.JUDGED, "players",
        "sum of the slopes of the loss at a network's answers, over the sum of their sizes: -1 if "
        "all answers are to rise, 1 if all are to fall",
        absent="no network was given what another one makes, and something else as well",
    ),
    Signal(
        "judge_target", "What a judge's answers are to be", "1", Per.JUDGED, "players",
        "the answer at which a squared loss of a network's answers is least; nan where each answer "
        "has one of its own",
        absent="no squared loss was taken of the answers of a network that is given what another "
        "one makes, and something else as well",
    ),
    Signal(
        "judged_min", "Least number that is judged", "1", Per.JUDGED, "players",
        "least number of what a network was given that judges what another one makes",
        absent="no network was given what another one makes, and something else as well",
    ),
    Signal(
        "judged_max", "Largest number that is judged", "1", Per.JUDGED, "players",
        "largest number of what a network was given that judges what another one makes",
        absent="no network was given what another one makes, and something else as well",
    ),
    Signal(
        "judged_spread", "Spread of what is judged", "1", Per.JUDGED, "players",
        "deviation over the rows of a batch that is judged, averaged over all numbers of a row",
        absent="no network was given what another one makes, and something else as well",
    ),
    Signal(
        "generated_distance", "Distance of generated batches", "deviations", Per.JUDGED, "players",
        "sliced Wasserstein distance between the generated rows and the others that a network "
        "judges in one turn, along 64 fixed directions, in deviations of the others",
        absent="no network was given what another one makes, and something else as well",
    ),
    Signal(
        "judge_weight_max", "Largest weight of a judge", "1", Per.JUDGE, "players",
        "largest size of a weight of a network that judges what another one makes, before a step",
        absent="no network was given what another one makes, and something else as well",
    ),
    Signal(
        "judge_weight_norm", "Norm of a judge's weights", "1", Per.JUDGE, "players",
        "Euclidean norm of all weights of a network that judges what another one makes, before a "
        "step of either",
        absent="no network was given what another one makes, and something else as well",
    ),
    Signal(
        "gradient_discarded", "Gradient discarded", "1 or 0", Per.WHOLE, "clearing",
        "whether gradients were cleared after the last backward pass, so that the step had nothing",
        absent="no step followed a call of backward()",
    ),
    Signal(
        "raw_grad_norm", "Gradient norm after backward", "loss / weight", Per.WHOLE, "passes",
        "norm of the optimizer's gradients as the last backward pass left them; of steps that a "
        "scaled loss, or several passes, were made for",
        absent="each step followed one backward pass of a loss that no GradScaler scaled",
    ),
    Signal(
        "scaled_passes", "Scaled passes", "passes", Per.WHOLE, "passes",
        "calls of backward() for the step that went through a loss that a GradScaler had scaled",
        absent="no GradScaler scaled a loss",
    ),
    Signal(
        "loss_scaled_by", "Scale of the loss", "", Per.WHOLE, "passes",
        "what a GradScaler multiplied the loss by",
        absent="no GradScaler scaled a loss",
    ),
    Signal(
        "mean_loss_passes", "Passes of a mean", "passes", Per.WHOLE, "passes",
        "calls of backward() from one line, for the step, on what a loss function gave back: a "
        "mean over its batch",
        absent="no step followed a call of backward()",
    ),
    Signal(
        "ungraded_weight_norm", "Norm without gradient", "weight", Per.PARAMETER, "cuts",
        "norm of a weight that has no gradient, though its module was called",
        absent="every trainable parameter whose module was called had a gradient",
    ),
    Signal(
        "outside_weight_norm", "Norm of weights outside", "weight", Per.WHOLE, "structure",
        "norm of the trainable weights that have a gradient and no optimizer",
        absent="every parameter with a gradient is held by an optimizer",
    ),
    Signal(
        "row_twin_share", "Equal rows", "share", Per.PARAMETER, "symmetry",
        "share of the rows that equal the row before, among weights or gradients: the smaller one",
        absent="no weight began with two equal rows",
        always=True,
    ),
    Signal(
        "column_twin_share", "Equal columns", "share", Per.PARAMETER, "symmetry",
        "share of the columns that equal the one before, among weights or gradients: the smaller",
        absent="no matrix began with two equal columns",
        always=True,
    ),
    Signal(
        "clip_norm", "Gradient norm before clipping", "loss / weight", Per.WHOLE, "notes",
        "the norm that clip_grad_norm_ found",
        absent=_NO_CLIPPING,
    ),
    Signal(
        "clip_limit", "Clipping limit", "loss / weight", Per.WHOLE, "notes",
        "the largest norm that clip_grad_norm_ lets through",
        absent=_NO_CLIPPING,
    ),
    # -- how far a step goes -------------------------------------------------------------------
    Signal(
        "step_quality", "Step quality", "", Per.WHOLE, "step_quality",
        "actual change of the loss over the change that the gradient predicts, on the same batch",
        absent="no step could be judged by a second look at its batch",
    ),
    Signal(
        "predicted_change", "Predicted change", "loss", Per.WHOLE, "step_quality",
        "gradient times update: the change of the loss along a straight line",
        absent="no step followed one backward() of one scalar loss",
    ),
    Signal(
        "actual_change", "Actual change", "loss", Per.WHOLE, "step_quality",
        "change of the loss on the step's own batch, evaluated again after the step",
        absent="no batch could be evaluated again",
    ),
    Signal(
        "sharpness", "Sharpness", "loss / weight^2", Per.WHOLE, "sharpness",
        "largest eigenvalue of the Hessian of the batch's loss, in the optimizer's geometry",
        absent="the training ended before it was measured",
        always=True,
    ),
    Signal(
        "sharpness_min", "Lowest curvature", "loss / weight^2", Per.WHOLE, "sharpness",
        "smallest eigenvalue of the Hessian of the batch's loss, in the optimizer's geometry",
        absent="the training ended before it was measured",
        always=True,
    ),
    Signal(
        "rate_times_sharpness", "Rate x sharpness", "", Per.WHOLE, "sharpness",
        "learning rate of the step times sharpness",
        absent="the training ended before it was measured",
        always=True,
    ),
    Signal(
        "stability_limit", "Stability limit", "", Per.WHOLE, "sharpness",
        "largest rate times sharpness at which this optimizer is stable on a quadratic",
        absent="the training ended before it was measured",
        always=True,
    ),
    # -- what flows out of modules -------------------------------------------------------------
    Signal(
        "activation_std", "Activation spread", "", Per.MODULE | Per.ACTIVATION, "activations",
        "standard deviation of the output over all its elements",
        absent="no module inside a model gave out floating-point numbers",
    ),
    Signal(
        "activation_zero_share", "Zero share of activations", "share",
        Per.MODULE | Per.ACTIVATION, "activations",
        "share of the output's elements that are exactly zero (among 8,192 if it has more)",
        absent="no module inside a model gave out floating-point numbers",
    ),
    Signal(
        "frozen_share", "Frozen parameters", "share", Per.GROUP, "freezing",
        "share of a group's parameters with requires_grad=False",
        absent="no optimizer with parameters took a sampled step",
    ),
    Signal(
        "thawed_in_vain", "Thawed in vain", "share", Per.PARAMETER | Per.MODULE, "freezing",
        "share of the parameters that are frozen of a module on which `requires_grad = True` was "
        "set as an attribute",
        absent="no attribute was set on a module or a parameter that was frozen, to thaw it",
    ),
    Signal(
        "frozen_in_vain", "Frozen in vain", "share", Per.MODULE, "freezing",
        "share of the optimizer's parameters that have a gradient, of a module on which "
        "`requires_grad = False` was set as an attribute",
        absent="no attribute was set on a module to freeze it, or it was frozen",
    ),
    Signal(
        "grad_underflow_share", "Gradient lost in float16", "share", Per.WHOLE | Per.PARAMETER,
        "half_gradients",
        "of the gradient's elements that are not 0 where the loss is up to 4,096 times larger, the "
        "share of those that are 0",
        absent="float16 was not in use",
    ),
    Signal(
        "half_lost_share", "Constants lost in float16", "share", Per.ACTIVATION, "half_masks",
        "share of a constant's numbers that are finite, and infinite in float16 as it is written "
        "there",
        absent="no constant was written into float16",
    ),
    Signal(
        "softmax_undefined_share", "Undefined rows of softmax", "share", Per.ACTIVATION,
        "half_masks",
        "share of the rows of a softmax that are NaN throughout, once a constant was lost in "
        "float16",
        absent="no softmax followed a constant that was lost in float16",
    ),
    Signal(
        "activation_nonfinite_share", "Non-finite share of activations", "share",
        Per.MODULE | Per.ACTIVATION, "activations",
        "share of the output's elements that are NaN or infinite",
        absent="no module inside a model gave out floating-point numbers",
    ),
    Signal(
        "activation_saturated_share", "Saturated share", "share", Per.ACTIVATION, "activations",
        "share of a sigmoid's or tanh's output within 1 % of its bounds, where a layer is given it",
        absent="no sigmoid or tanh was seen whose output goes on to a layer with weights (those "
        "that end a model are not judged)",
    ),
    Signal(
        "dead_unit_share", "Dead units", "share", Per.ACTIVATION, "activations",
        "share of a ReLU's units that were zero for every sample of the last 16 sampled steps",
        absent="no ReLU inside a trained model was seen",
    ),
    # -- what goes into the model --------------------------------------------------------------
    Signal(
        "input_mean", "Input mean", "", Per.INPUT, "batches",
        "mean of the batch's finite numbers", absent=_NO_NUMBERS,
    ),
    Signal(
        "input_std", "Input spread", "", Per.INPUT, "batches",
        "standard deviation of the batch's finite numbers", absent=_NO_NUMBERS,
    ),
    Signal(
        "input_min", "Smallest input", "", Per.INPUT, "batches",
        "smallest finite number of the batch", absent=_NO_INPUT,
    ),
    Signal(
        "input_max", "Largest input", "", Per.INPUT, "batches",
        "largest finite number of the batch", absent=_NO_INPUT,
    ),
    Signal(
        "input_nonfinite_share", "Non-finite share of inputs", "share", Per.INPUT, "batches",
        "share of the batch's numbers that are NaN or infinite", absent=_NO_NUMBERS,
    ),
    Signal(
        "input_nan_share", "NaN share of inputs", "share", Per.INPUT, "batches",
        "share of the batch's numbers that are NaN or +inf, which no mask holds",
        absent=_NO_NUMBERS,
    ),
    Signal(
        "input_fingerprint", "Input fingerprint", "", Per.INPUT, "batches",
        "sum of the batch's values: equal for equal batches", absent=_NO_INPUT,
    ),
    Signal(
        "input_rows_equal_share", "Rows like the first", "share", Per.INPUT, "contents",
        "share of the batch's rows that equal its first row to the last bit",
        absent="no model was given a batch of two rows or more",
    ),
    Signal(
        "input_padded_share", "Padding", "share", Per.INPUT, "contents",
        "share of a batch of sequences, of unequal length, that one token (or vectors of 0) fills "
        "up to one end",
        absent="no model was given rows of four tokens or vectors, or more",
    ),
    Signal(
        "input_bin_share", "Input histogram", "share", Per.BIN, "batches",
        "share of the first sampled batch's numbers that lie in this bin", absent=_NO_NUMBERS,
    ),
    Signal(
        "evaluation_loss", "Held-out loss", "", Per.LOSS_FUNCTION, "evaluation",
        "mean over the samples of one evaluation: losses computed with gradients off between two "
        "steps",
        absent=_NO_HELD_OUT,
        always=True,
    ),
    Signal(
        "evaluation_accuracy", "Held-out accuracy", "share", Per.LOSS_FUNCTION, "evaluation",
        "share of right answers in one evaluation, of the samples that count",
        absent="no loss of class labels was computed with gradients off",
        always=True,
    ),
    Signal(
        "weights_kept", "Weights kept", "1", Per.WHOLE, "kept_weights",
        "1 at each step at which the script took, copied or saved the weights of a module",
        absent="no weights were taken by state_dict(), copied or saved",
        always=True,
    ),
    Signal(
        "eval_input_mean", "Input mean in evaluation", "", Per.INPUT, "held_out",
        "mean of the finite numbers of a batch that an evaluation gave the model",
        absent=_NO_EVALUATION,
    ),
    Signal(
        "eval_input_std", "Input spread in evaluation", "", Per.INPUT, "held_out",
        "standard deviation of the finite numbers of a batch that an evaluation gave the model",
        absent=_NO_EVALUATION,
    ),
    Signal(
        "eval_input_min", "Smallest input in evaluation", "", Per.INPUT, "held_out",
        "smallest finite number of a batch that an evaluation gave the model",
        absent=_NO_EVALUATION,
    ),
    Signal(
        "eval_input_max", "Largest input in evaluation", "", Per.INPUT, "held_out",
        "largest finite number of a batch that an evaluation gave the model",
        absent=_NO_EVALUATION,
    ),
    Signal(
        "eval_training_share", "Modules in training mode", "share", Per.ROOT, "evaluation_modes",
        "of what computes something else in training than in evaluation (modules, and dropout by "
        "function), the share that worked as in training when an evaluation called the model",
        absent=_NO_EVALUATION_AT_ALL,
    ),
    Signal(
        "eval_same_input", "Asked for the same again", "passes", Per.ROOT, "evaluation_modes",
        "how often an evaluation gave a model that worked as in training what it had given it "
        "first, in another pass or row",
        absent="every evaluation called the model in evaluation mode",
    ),
    Signal(
        "eval_graphs", "Graphs in evaluation", "passes", Per.ROOT, "evaluation_modes",
        "forward passes of one evaluation with gradients on, that no backward pass went through",
        absent=_NO_EVALUATION_AT_ALL,
    ),
    Signal(
        "eval_graphs_kept", "Graphs held in evaluation", "passes", Per.ROOT, "evaluation_modes",
        "the most of those graphs that were still held when another pass began",
        absent="no evaluation had gradients on, or each fell into a sampled iteration",
    ),
    Signal(
        "average_progress", "Progress of an average", "share", Per.ROOT, "averages",
        "how far the weights of an average came of the way that the trained ones went since the "
        "start, where an evaluation calls it",
        absent=_NO_AVERAGE,
    ),
    Signal(
        "average_aside", "Average aside", "share", Per.ROOT, "averages",
        "how far the weights of an average lie off that way, as a share of its length",
        absent=_NO_AVERAGE,
    ),
    Signal(
        "average_statistics", "Progress of an average's statistics", "share", Per.ROOT, "averages",
        "the progress of the running statistics of batch norm in an average that is evaluated",
        absent=_NO_AVERAGE,
    ),
    Signal(
        "layer_input_mean", "Mean of data at a layer", "", Per.LAYER_INPUT, "batches",
        "mean of what the layer is given", absent=_NO_DATA_LAYER,
    ),
    Signal(
        "layer_input_std", "Spread of data at a layer", "", Per.LAYER_INPUT, "batches",
        "standard deviation of what the layer is given", absent=_NO_DATA_LAYER,
    ),
    # -- the loss function ---------------------------------------------------------------------
    Signal(
        "loss_call_value", "Value of a loss function", "", Per.LOSS_CALL, "losses",
        "what the loss function gave back, if it is one number",
        absent=_NO_LOSS_CALL,
    ),
    Signal(
        "loss_sign", "Sign of a loss", "1 or -1", Per.LOSS_CALL, "loss_graph",
        "1 where the optimizer is asked to lower this loss, -1 where it is asked to raise it; also "
        "of `log_likelihood` (of its negative), by hand or by `log_prob`, and of `squared_error`",
        absent="what is minimised is no sum in which a loss was found",
    ),
    Signal(
        "loss_terms", "Terms of the loss", "terms", Per.WHOLE, "loss_graph",
        "terms that the loss is a sum of, as far as its graph shows",
        absent="backward() was not called on a loss with a graph",
    ),
    Signal(
        "target_unreachable_share", "Targets out of reach", "share", Per.LOSS_CALL, "loss_graph",
        "share of the targets that lie outside of what the activation right before the loss gives",
        absent="no loss of numbers was given what came straight from an activation",
    ),
    Signal(
        "target_is_input", "Targets equal to their input", "share", Per.LOSS_CALL, "sequences",
        "share of the counted targets that equal the token at their own place of the input",
        absent="no loss of classes was given a target for each token of an input",
    ),
    Signal(
        "target_is_after_next", "Targets two tokens on", "share", Per.LOSS_CALL, "sequences",
        "share of the counted targets that equal the token two places on in the input; 0 where all "
        "equal the next one",
        absent="no loss of classes was given a target for each token of an input",
    ),
    Signal(
        "lookahead", "Answers before a change", "share", Per.WHOLE, "lookahead",
        "where each target is its own input: how much answers change before a token that is "
        "changed, against at it",
        absent="no model was trained to give out its own tokens at their own places",
    ),
    Signal(
        "padded_target_share", "Padding among targets", "share", Per.LOSS_CALL, "sequences",
        "share of the counted targets at the ends of rows, in which input and target each repeat "
        "one value that is nowhere else, in rows of unequal length",
        absent="no loss was given a target for each position of an input",
    ),
    Signal(
        "padded_target_value", "Last target", "", Per.LOSS_CALL, "sequences",
        "the value in which most rows of targets end",
        absent="no loss was given a target for each position of an input",
    ),
    Signal(
        "prediction_top_share", "Commonest prediction", "share", Per.LOSS_CALL, "predictions",
        "share of the batch that is predicted to be of the class that is predicted most often",
        absent=_NO_CLASSES,
    ),
    Signal(
        "prediction_top_label", "Class predicted most", "", Per.LOSS_CALL, "predictions",
        "the class that is predicted most often in the batch",
        absent=_NO_CLASSES,
    ),
    Signal(
        "target_ones_share", "Share of ones", "share", Per.LOSS_CALL, "predictions",
        "share of the targets of a loss of two classes that are 1; NaN if not all are 0 or 1",
        absent="no loss of two classes was called",
    ),
    Signal(
        "loss_input_min", "Smallest input of the loss", "", Per.LOSS_CALL, "domains",
        "smallest number that a loss of classes or rates, or a distribution, is given",
        absent=_NO_DOMAIN,
    ),
    Signal(
        "loss_input_max", "Largest input of the loss", "", Per.LOSS_CALL, "domains",
        "largest number that a loss of classes or rates, or a distribution, is given",
        absent=_NO_DOMAIN,
    ),
    Signal(
        "probability_dims", "Dimensions of probabilities", "sum of 2^d", Per.LOSS_CALL, "domains",
        "dimensions d over which the input, without a negative number, sums to 1; of "
        "cross_entropy, nll_loss, kl_div, ctc_loss and Categorical, and of a softmax that is "
        "compared with numbers",
        absent="no loss of classes was called",
    ),
    Signal(
        "log_probability_dims", "Dimensions of log-probabilities", "sum of 2^d", Per.LOSS_CALL,
        "domains",
        "dimensions d over which the exponentials of the input of cross_entropy, nll_loss, kl_div "
        "or ctc_loss sum to 1",
        absent="no loss of classes was called",
    ),
    Signal(
        "target_probability_dims", "Dimensions of target probabilities", "sum of 2^d",
        Per.LOSS_CALL, "domains",
        "dimensions d over which the target of kl_div, or of a loss of numbers that is given a "
        "softmax, sums to 1",
        absent="no loss compared probabilities",
    ),
    Signal(
        "pair_target_other", "Targets neither 1 nor -1", "share", Per.LOSS_CALL, "domains",
        "share of the targets of a loss of pairs (or of soft_margin_loss) that are neither",
        absent="no loss with targets of 1 and -1 was called",
    ),
    Signal(
        "pair_target_negative", "Targets of -1", "share", Per.LOSS_CALL, "domains",
        "share of the targets of a loss of pairs (or of soft_margin_loss) that are -1",
        absent="no loss with targets of 1 and -1 was called",
    ),
    Signal(
        "ctc_impossible", "Targets that do not fit", "share", Per.LOSS_CALL, "domains",
        "share of the samples of ctc_loss whose input is shorter than their target, with one more "
        "for each label that stands twice in a row",
        absent="ctc_loss was not called",
    ),
    Signal(
        "boxes_reversed", "Boxes with corners reversed", "share", Per.LOSS_CALL, "boxes",
        "share of the boxes without a gradient, of which an overlap is computed, whose second "
        "corner lies left of or above the first",
        absent="no loss was computed of an overlap between boxes and others without a gradient",
    ),
    Signal(
        "loss_accuracy", "Accuracy", "share", Per.LOSS_CALL, "losses",
        "share of right answers among the targets that count, where the loss knows classes",
        absent=_NO_CLASSES,
    ),
    Signal(
        "target_min", "Smallest target", "", Per.LOSS_CALL, "losses",
        "smallest number of the batch's target", absent=_NO_TARGET,
    ),
    Signal(
        "target_max", "Largest target", "", Per.LOSS_CALL, "losses",
        "largest number of the batch's target", absent=_NO_TARGET,
    ),
    Signal(
        "target_mean", "Target mean", "", Per.LOSS_CALL, "losses",
        "mean of the batch's target", absent=_NO_TARGET,
    ),
    Signal(
        "target_std", "Target spread", "", Per.LOSS_CALL, "losses",
        "standard deviation of the batch's target", absent=_NO_TARGET,
    ),
    Signal(
        "target_counted", "Number of targets that count", "targets", Per.LOSS_CALL, "losses",
        "how many labels of the batch are not ignored", absent=_NO_CLASSES,
    ),
    Signal(
        "target_counted_share", "Targets that count", "share", Per.LOSS_CALL, "losses",
        "share of the labels that are not ignored", absent=_NO_CLASSES,
    ),
    Signal(
        "label_entropy", "Label entropy", "nats", Per.LOSS_CALL, "losses",
        "entropy of the labels in one batch", absent=_NO_CLASSES,
    ),
    Signal(
        "label_count", "Label count", "labels", Per.CLASS, "losses",
        "how often the class occurs among the labels of one batch, of at most 64 classes",
        absent="no loss function of torch.nn was given class labels, one for each row, "
               "of at most 64 classes",
    ),
    # -- modes ---------------------------------------------------------------------------------
    Signal(
        "eval_share", "Modules in evaluation mode", "share", Per.ROOT, "notes",
        "of the modules that compute something else in training than in evaluation, those that "
        "are in evaluation mode",
        absent="no model was called that has dropout or batch norm",
    ),
    Signal(
        "loss_in_training_mode", "Loss in training mode", "", Per.WHOLE, "mode_gap",
        "the loss of a step's batch, as the script computed it",
        absent=_NO_SECOND_MODE,
    ),
    Signal(
        "loss_in_evaluation_mode", "Loss in evaluation mode", "", Per.WHOLE, "mode_gap",
        "the loss of the same batch with the same weights, in evaluation mode",
        absent=_NO_SECOND_MODE,
    ),
    Signal(
        "norm_rows", "Samples of batch norm", "samples", Per.MODULE, "norm_statistics",
        "samples in the batch that batch norm takes its statistics over",
        absent=_NO_BATCH_NORM,
    ),
    Signal(
        "norm_values", "Values of batch norm", "values", Per.MODULE, "norm_statistics",
        "numbers that the statistics of one channel are taken over",
        absent=_NO_BATCH_NORM,
    ),
    Signal(
        "norm_updates", "Updates of batch norm", "updates", Per.MODULE, "norm_statistics",
        "updates of the running statistics since they were 0 and 1",
        absent=_NO_BATCH_NORM,
    ),
    Signal(
        "norm_offset", "Distance of running means", "deviations", Per.MODULE, "norm_statistics",
        "distance of the running mean from the batch's, in running deviations: root mean square "
        "over channels",
        absent=_NO_BATCH_NORM,
    ),
    Signal(
        "norm_spread_ratio", "Running deviation over the batch's", "", Per.MODULE,
        "norm_statistics",
        "the running deviation over that of the batch: geometric mean over channels",
        absent=_NO_BATCH_NORM,
    ),
    # -- time and memory -----------------------------------------------------------------------
    Signal(
        "data_wait_s", "Waiting for data", "s", Per.WHOLE, "pace",
        "how long the loop waited for a DataLoader", absent="no batch came from a DataLoader",
    ),
    Signal(
        "forward_s", "Forward", "s", Per.WHOLE, "pace",
        "time in calls of models with gradients on", absent=_NO_MODEL,
    ),
    Signal(
        "backward_s", "Backward", "s", Per.WHOLE, "pace",
        "time in backward()", absent="backward() was not called",
    ),
    Signal(
        "step_s", "Optimizer", "s", Per.WHOLE, "pace",
        "time in the optimizer's own code", absent="no optimizer stepped without a closure",
    ),
    Signal(
        "elsewhere_s", "Between the parts", "s", Per.WHOLE, "pace",
        "time since the step before that is none of the other parts: logging, saving, data by hand",
        absent="no two steps in a row were sampled, or the model is on an accelerator",
    ),
    Signal(
        "memory_peak", "Peak of memory", "bytes", Per.WHOLE, "pace",
        "most memory held so far: resident, or allocated on a CUDA device",
        absent="no step was sampled",
        always=True,
    ),
    Signal(
        "memory_allocated", "Memory allocated", "bytes", Per.WHOLE, "pace",
        "memory allocated on the CUDA device at the end of the step",
        absent="the model is not on a CUDA device",
        always=True,
    ),
    Signal(
        "sample_order_change", "Change with the order", "of the spread", Per.WHOLE, "sample_order",
        "how much the answers for a batch change when its samples change places, or, of an "
        "attention that was built for [time, batch], when half of them are replaced",
        absent="no model was asked again: no sampled backward pass was made",
    ),
    Signal(
        "later_token_change", "Change with later tokens", "of the spread", Per.WHOLE, "questions",
        "how much answers change when only tokens after them are others, where a loss asks for the "
        "next token",
        absent="no model was asked again: no sampled backward pass was made",
    ),
    Signal(
        "input_used", "Input used", "", Per.INPUT, "questions",
        "1 if operations lead from an input of the model to its answer, 0 if none do",
        absent="no model was asked again: no sampled backward pass was made",
    ),
    Signal(
        "answer_spread", "Spread of answers", "", Per.WHOLE, "questions",
        "how far the answers of a batch differ: in nats for classes, of the targets' spread for "
        "numbers",
        absent="no model was asked again: no sampled backward pass was made",
    ),
    Signal(
        "padding_change", "Change with padding", "of the spread", Per.WHOLE, "questions",
        "how much answers for real places change when what stands in padded ones is other",
        absent="no model was asked again: no sampled backward pass was made",
    ),
    Signal(
        "order_change", "Change with the order of elements", "of the spread", Per.WHOLE,
        "questions",
        "how much answers change when the elements of each sequence change places, where a model "
        "has positions",
        absent="no model was asked again: no sampled backward pass was made",
    ),
    Signal(
        "linear_share", "Layers without a non-linearity", "", Per.WHOLE, "questions",
        "share of the layers after another one with nothing non-linear between the two",
        absent="no model was asked again: no sampled backward pass was made",
    ),
    Signal(
        "dropout_share", "Dropped share", "", Per.WHOLE, "questions",
        "the highest share of elements that a dropout of the step drops",
        absent="no model was asked again: no sampled backward pass was made",
    ),
    Signal(
        "dropout_gap", "Loss due to dropout", "of the loss", Per.WHOLE, "questions",
        "1 minus the loss with every element kept over the loss of the step",
        absent="no model was asked again: no sampled backward pass was made",
    ),
    Signal(
        "unscaled_scores", "Spread of unscaled scores", "", Per.WHOLE, "first_questions",
        "spread of one query's scores in an attention by hand that nothing scales; 0 where all is "
        "scaled",
        absent="no model was asked again: no sampled backward pass was made",
    ),
    Signal(
        "rows_rearranged", "Rows of a loss that are rearranged", "share", Per.WHOLE,
        "first_questions",
        "of the rows that a loss of classes was given, the share that holds classes of several "
        "places, or that stands beside the target of another place",
        absent="no loss of classes was given what a layer made for several places",
    ),
    Signal(
        "attention_summed_otherwise", "Attentions that sum otherwise", "", Per.WHOLE,
        "first_questions",
        "attentions by hand whose weights are normalised over one dimension and summed over "
        "another",
        absent="no model was asked again: no sampled backward pass was made",
    ),
    Signal(
        "lossy_casts", "Casts that lose data", "", Per.WHOLE, "first_questions",
        "operations of a step, from the call of a model on, that lose what inputs or targets carry "
        "because of a type",
        absent="no model was asked again: no sampled backward pass was made",
    ),
    Signal(
        "residual_factor", "Factor of a residual sum", "", Per.WHOLE, "questions",
        "the smallest factor that the sum of a residual block is multiplied by, 0 for a random "
        "mask, 1 for none",
        absent="no model was asked again: no sampled backward pass was made",
    ),
    Signal(
        "attention_top_weight", "Largest attention weight", "share", Per.WHOLE, "questions",
        "the largest weight of a query, mean over the queries of the sharpest attention",
        absent="no model was asked again: no sampled backward pass was made",
    ),
    Signal(
        "attention_weight_range", "Range of attention weights", "", Per.WHOLE, "questions",
        "the largest weight of a query less its least, over their mean, at most in the evenest "
        "attention",
        absent="no model was asked again: no sampled backward pass was made",
    ),
    # -- in trials only ------------------------------------------------------------------------
    Signal(
        "loss_alike", "Comparable loss", "", Per.WHOLE, "comparable",
        "the loss as it means the same whatever trick is on: without smoothing and weights",
        absent="only trials measure it, and only of losses whose plain form is known",
        always=True,
    ),
    Signal(
        "training_error", "Training error", "share", Per.WHOLE, "comparable",
        "share of wrong answers, where classes are known",
        absent="only trials measure it, and only where classes are known",
        always=True,
    ),
))  # fmt: skip
"""Every signal there is, in the order of the reference page."""
