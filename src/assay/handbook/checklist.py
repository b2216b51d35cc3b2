"""What to look at before and while a network trains, and which of it assay looks at by itself."""

from __future__ import annotations

from dataclasses import dataclass

from .page import Text


@dataclass(frozen=True)
class Item:
    """One thing to look at.

    Attributes:
        says: What should be so.
        checks: Those that look at it in every run; where there are none it is yours to look at.
    """

    says: Text
    checks: tuple[str, ...] = ()


GROUPS: dict[str, Text] = {
    "data": ("Data", "数据"),
    "model": ("Model", "模型"),
    "loss": ("Loss", "损失"),
    "loop": ("Loop", "训练循环"),
    "rate": ("Rate", "学习率"),
    "distributed": ("Distributed", "分布式"),
}

LOOKS: Text = ("assay looks at this by itself", "assay 自己会检查")
YOURS: Text = ("yours to look at", "要你自己看")

ITEMS: dict[str, tuple[Item, ...]] = {
    "data": (
        Item(
            (
                "I have looked at single samples with their labels, as the model gets them.",
                "我看过单个样本和它的标签，就是模型收到的样子。",
            )
        ),
        Item(("A few labels, checked by hand, are right.", "抽查过的标签是对的。")),
        Item(
            ("Inputs vary from sample to sample, and are finite.", "输入各不相同，且都是有限数。"),
            ("input-not-finite", "input-constant", "rows-identical", "same-batch-every-step"),
        ),
        Item(
            (
                "Inputs are around 0 with a spread around 1, in a type that keeps their values.",
                "输入在 0 左右，散布约为 1，类型不丢数值。",
            ),
            ("input-not-normalised", "input-wrong-dtype"),
        ),
        Item(
            (
                "Training and evaluation prepare data in the same way.",
                "训练和评估用同样的方式准备数据。",
            ),
            ("eval-preprocessed-differently",),
        ),
        Item(
            ("No sample of the evaluation was trained on.", "评估的样本没有用来训练。"),
            ("train-eval-overlap",),
        ),
        Item(
            (
                "No other leak: the same person, day or place on both sides.",
                "没有别的泄漏：同一个人、同一天、同一地点不会两边都有。",
            )
        ),
        Item(
            (
                "Batches are drawn in a new random order each epoch, and all data are drawn.",
                "每个周期按新的随机顺序取批次，所有数据都会取到。",
            ),
            (
                "data-not-shuffled",
                "same-order-every-epoch",
                "sampler-skips-data",
                "workers-share-random-state",
            ),
        ),
        Item(
            (
                "Classes are balanced enough, or weighted, and all of them occur.",
                "各类足够均衡或加了权，每一类都出现。",
            ),
            ("class-imbalance", "labels-missing"),
        ),
        Item(
            ("Labels have to do with the inputs.", "标签与输入有关。"),
            ("labels-unrelated-to-inputs",),
        ),
        Item(
            (
                "Augmentation leaves the label true: no flipped digits or letters.",
                "增强不改变标签：不翻转数字和字母。",
            )
        ),
        Item(
            ("Padding is a small part of what is computed.", "填充只占计算的一小部分。"),
            ("padding-dominates",),
        ),
    ),
    "model": (
        Item(
            (
                "All parameters that should learn get gradients and are in the optimizer.",
                "所有该学的参数都有梯度，并在优化器里。",
            ),
            (
                "parameters-without-gradient",
                "parameters-outside-optimizer",
                "frozen-by-accident",
                "freeze-without-effect",
            ),
        ),
        Item(
            (
                "Weights begin so that signals keep their size, and units differ.",
                "权重的初始值使信号大小不变，各单元不相同。",
            ),
            ("initial-scale", "symmetric-initialisation", "loss-at-start"),
        ),
        Item(
            (
                "Something non-linear stands between layers, and is neither dead nor saturated.",
                "层与层之间有非线性，既没死也没饱和。",
            ),
            ("linear-stack", "dead-units", "saturated-activation"),
        ),
        Item(
            (
                "Norms have enough to take statistics from, and those fit in evaluation.",
                "归一化有足够的数来求统计量，评估时也合适。",
            ),
            ("batchnorm-tiny-batch", "batchnorm-stale-statistics", "norm-eps-suspicious"),
        ),
        Item(
            (
                "Attention is scaled, masked, and over the right dimension.",
                "注意力有缩放、有掩码，维度正确。",
            ),
            (
                "attention-unscaled",
                "attention-over-wrong-dimension",
                "attention-collapsed",
                "padding-mask-ignored",
                "causal-leak",
            ),
        ),
        Item(
            (
                "The answer depends on the input, on its order where that counts, and on no other sample.",
                "输出取决于输入，次序重要时也取决于次序，不取决于别的样本。",
            ),
            ("input-ignored", "order-ignored", "samples-mixed", "output-collapsed"),
        ),
        Item(
            (
                "Layers that should be different are different objects.",
                "应当不同的层是不同的对象。",
            ),
            ("shared-by-mistake",),
        ),
        Item(
            (
                "The model is as small as the first try allows, and fits a single batch.",
                "先用尽量小的模型，并且它能拟合单独一个批次。",
            )
        ),
        Item(
            (
                "What is loaded is what was trained, all of it.",
                "加载的就是训练过的，而且全部加载了。",
            ),
            ("checkpoint-partly-loaded",),
        ),
    ),
    "loss": (
        Item(
            (
                "The loss gets what its formula asks for: logits or probabilities, once.",
                "损失得到公式所要的：logits 或概率，只做一次变换。",
            ),
            (
                "softmax-before-cross-entropy",
                "sigmoid-before-bce-with-logits",
                "probabilities-in-nll",
                "probabilities-as-logits",
                "probabilities-in-kl-div",
            ),
        ),
        Item(
            (
                "Predictions and targets have the same shape, over the right dimension.",
                "预测与目标形状相同，维度正确。",
            ),
            ("loss-shape-broadcast", "softmax-over-wrong-dimension", "single-logit-softmax"),
        ),
        Item(
            (
                "Targets lie in the domain of the loss, and the last activation fits them.",
                "目标在损失的定义域内，最后的激活与之相配。",
            ),
            (
                "loss-outside-domain",
                "final-activation-mismatch",
                "pair-targets-not-signed",
                "boxes-malformed",
                "ctc-input-too-short",
            ),
        ),
        Item(
            ("It is minimised, and not its negative.", "是把它变小，而不是把它的相反数变小。"),
            ("loss-sign-flipped",),
        ),
        Item(
            (
                "Padding and ignored targets do not count, and some target does.",
                "填充和忽略的目标不计入，但总有目标计入。",
            ),
            ("padding-in-loss", "all-targets-ignored", "empty-batch"),
        ),
        Item(
            ("Terms of a sum are of comparable size.", "总和的各项大小相当。"),
            ("loss-terms-unbalanced",),
        ),
        Item(("It is still attached to the model.", "它仍与模型相连。"), ("loss-detached",)),
        Item(
            ("A language model is scored on the next token.", "语言模型按下一个 token 计分。"),
            ("target-not-shifted",),
        ),
        Item(
            ("It is finite at all steps.", "每一步都是有限数。"),
            ("loss-not-finite", "weights-not-finite"),
        ),
        Item(
            (
                "The first loss is that of a guess, as I have computed it by hand.",
                "第一个损失等于随便猜的损失，我手算过。",
            )
        ),
        Item(
            (
                "It measures what I want, or a metric beside it does.",
                "它衡量的是我想要的，否则旁边另有指标。",
            )
        ),
    ),
    "loop": (
        Item(
            (
                "Each round: reset, backward, step, in this order and nothing left out.",
                "每一轮：清零、反向、走步，次序正确，一样不少。",
            ),
            (
                "zero-grad-missing",
                "step-missing",
                "gradient-discarded",
                "optimizer-recreated",
                "stale-parameters",
            ),
        ),
        Item(
            (
                "The model is in training mode while it trains, in evaluation mode while evaluated.",
                "训练时是训练模式，评估时是评估模式。",
            ),
            (
                "eval-mode-in-training",
                "train-mode-in-evaluation",
                "train-eval-gap",
                "eval-builds-graph",
            ),
        ),
        Item(
            (
                "Accumulated gradients are divided by the count of all their targets.",
                "累积的梯度除以全部目标数。",
            ),
            ("accumulation-not-normalised",),
        ),
        Item(
            (
                "Clipping comes after the backward pass and the unscaling, before the step.",
                "裁剪在反向传播和还原缩放之后、走步之前。",
            ),
            ("clipping-after-step", "clipping-scaled-gradients", "clipping-always"),
        ),
        Item(
            (
                "Half precision keeps weights, sums, logarithms and small gradients.",
                "半精度保住权重、求和、对数和小梯度。",
            ),
            (
                "fp16-overflow",
                "fp16-underflow",
                "half-without-scaler",
                "log-or-exp-in-half",
                "updates-lost",
                "scaler-bypassed",
                "scaler-misused",
            ),
        ),
        Item(
            ("Gradients neither vanish nor explode.", "梯度既不消失也不爆炸。"),
            ("vanishing-gradient", "exploding-gradient"),
        ),
        Item(
            (
                "Decay is meant for this optimizer, and spares norms.",
                "衰减适合这个优化器，并放过归一化。",
            ),
            ("weight-decay-too-strong", "weight-decay-on-norms", "l2-with-adaptive"),
        ),
        Item(
            (
                "Averages of weights are long past the start, with their buffers.",
                "权重的平均早已离开起点，缓冲也在内。",
            ),
            ("average-lags", "average-without-buffers"),
        ),
        Item(
            (
                "Held-out loss is watched, and the best weights are kept.",
                "留意留出损失，并保存最好的权重。",
            ),
            ("overfitting", "underfitting", "best-checkpoint-passed"),
        ),
        Item(
            ("Random generators are seeded, and two runs agree.", "随机数设了种子，两次运行一致。"),
            ("unseeded", "runs-differ"),
        ),
        Item(
            (
                "A resumed run restores optimizer, schedule, scaler and random state too.",
                "续训时也恢复优化器、调度、缩放和随机状态。",
            ),
            ("state-not-restored", "learning-rate-of-checkpoint"),
        ),
        Item(
            (
                "Settings, code version and data version of each run are written down.",
                "每次运行的设置、代码版本和数据版本都记下来。",
            )
        ),
        Item(
            (
                "One change at a time, against a baseline, on several seeds.",
                "一次只改一处，与基线比较，用几个种子。",
            )
        ),
    ),
    "rate": (
        Item(
            (
                "The rate is neither too large nor too small by a factor.",
                "学习率没有成倍地过大或过小。",
            ),
            ("learning-rate-too-high", "learning-rate-too-low", "loss-oscillating"),
        ),
        Item(
            (
                "It warms up where the start is steep, and not for most of the run.",
                "起点陡时有预热，但不占大半个训练。",
            ),
            ("warmup-missing", "warmup-too-long"),
        ),
        Item(
            ("It comes down by the end, and not long before.", "到结束时降下来，而不是早早降完。"),
            ("rate-decays-too-early", "rate-rises-again"),
        ),
        Item(
            (
                "The schedule is stepped, after the optimizer, in the unit of its numbers.",
                "调度有走步，在优化器之后，单位与它的数字一致。",
            ),
            (
                "scheduler-never-stepped",
                "scheduler-before-optimizer",
                "scheduler-unit-mismatch",
                "lambda-returns-rate",
                "plateau-mode-wrong",
            ),
        ),
        Item(
            ("betas and eps fit the format and the noise.", "beta 和 eps 与数值格式和噪声相配。"),
            ("betas-extreme", "eps-below-precision"),
        ),
        Item(
            (
                "It was chosen for this batch size, by factors, and tuned again when that changed.",
                "它是为这个批次大小按倍数选的，批次变了就重新调。",
            )
        ),
        Item(
            (
                "The best of the values tried is not the first or last of them.",
                "试过的值里最好的不在两端。",
            )
        ),
    ),
    "distributed": (
        Item(
            (
                "Ranks see different data, in a new order each epoch.",
                "各 rank 看到不同的数据，每个周期换次序。",
            ),
            ("ranks-see-same-data", "sampler-epoch-not-set"),
        ),
        Item(
            (
                "All begin with the same weights and stay the same.",
                "大家以同样的权重开始，并保持一致。",
            ),
            ("initial-weights-differ", "replicas-diverged", "wrapper-bypassed"),
        ),
        Item(
            (
                "Gradients are averaged once: not summed, not divided twice.",
                "梯度平均一次：不是求和，也不是除两次。",
            ),
            ("gradient-sum-not-mean", "loss-averaged-twice"),
        ),
        Item(
            (
                "All ranks have equally many batches, or agree when to stop.",
                "各 rank 批次数相等，或约定何时停。",
            ),
            ("uneven-inputs",),
        ),
        Item(
            (
                "Accumulation does not communicate at every small batch.",
                "累积时不是每个小批次都通信。",
            ),
            ("no-sync-missing",),
        ),
        Item(
            ("The optimizer is built after sharding.", "优化器在分片之后构造。"),
            ("optimizer-before-shard",),
        ),
        Item(
            ("One rank writes files, the others wait.", "一个 rank 写文件，其他等待。"),
            ("saved-by-every-rank",),
        ),
        Item(
            (
                "Evaluation counts the samples that fill up the last batch only once.",
                "评估时，补齐最后一批的样本只算一次。",
            )
        ),
        Item(
            (
                "The decision to stop early is taken by all ranks together.",
                "提前停止由所有 rank 一起决定。",
            )
        ),
    ),
}
