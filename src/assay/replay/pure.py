"""Functions of torch and math that return a result and do nothing else: all others are denied.

An entry was looked at once: its schema writes into no argument, it changes no state of torch but
that of the default random generators, it calls nothing that it is given. A function that a new
torch brings is denied until it stands here; a test holds the list against the torch installed.
"""

from __future__ import annotations

TORCH = frozenset(
    """
    abs absolute acos acosh adaptive_avg_pool1d adaptive_max_pool1d add addbmm addcdiv addcmul
    addmm addmv addr adjoint affine_grid_generator alias_copy all allclose alpha_dropout amax
    amin aminmax angle any arange arccos arccosh arcsin arcsinh arctan arctan2 arctanh argmax
    argmin argsort argwhere as_strided as_strided_copy as_strided_scatter as_tensor asin asinh
    atan atan2 atanh atleast_1d atleast_2d atleast_3d avg_pool1d baddbmm bartlett_window
    bernoulli bilinear binary_cross_entropy_with_logits bincount binomial bitwise_and
    bitwise_left_shift bitwise_not bitwise_or bitwise_right_shift bitwise_xor blackman_window
    block_diag bmm broadcast_shapes broadcast_tensors broadcast_to bucketize can_cast
    cartesian_prod cat ccol_indices_copy cdist ceil celu chain_matmul channel_shuffle cholesky
    cholesky_inverse cholesky_solve chunk clamp clamp_max clamp_min clip clone col_indices_copy
    column_stack combinations complex concat concatenate conj conj_physical constant_pad_nd
    conv1d conv2d conv3d conv_tbc conv_transpose1d conv_transpose2d conv_transpose3d convolution
    copysign corrcoef cos cosh cosine_embedding_loss cosine_similarity count_nonzero cov cross
    crow_indices_copy ctc_loss cummax cummin cumprod cumsum cumulative_trapezoid deg2rad det
    detach detach_copy diag diag_embed diagflat diagonal diagonal_copy diagonal_scatter diff
    digamma dist div divide dot dropout dsplit dstack einsum embedding empty empty_like
    empty_permuted empty_strided eq equal erf erfc erfinv exp exp2 expand_copy expm1 eye
    feature_alpha_dropout feature_dropout fill fix flatten flip fliplr flipud float_power floor
    floor_divide fmax fmin fmod frac frexp frobenius_norm full full_like gather gcd ge geqrf ger
    get_autocast_dtype get_default_dtype get_device gradient greater greater_equal grid_sampler
    grid_sampler_2d grid_sampler_3d group_norm gru gru_cell gt hamming_window hann_window
    hardshrink hash_tensor heaviside hinge_embedding_loss histc histogram histogramdd hsplit
    hspmm hstack hypot i0 igamma igammac imag index_add index_copy index_fill index_put
    index_reduce index_select indices_copy inner inverse is_complex is_conj is_distributed
    is_floating_point is_inference is_neg is_nonzero is_same_size is_signed is_tensor isclose
    isfinite isin isinf isnan isneginf isposinf isreal istft kaiser_window kl_div kron kthvalue
    layer_norm lcm ldexp le lerp less less_equal lgamma linspace log log10 log1p log2
    log_softmax logaddexp logaddexp2 logcumsumexp logdet logical_and logical_not logical_or
    logical_xor logit logspace logsumexp lstm lstm_cell lt lu_solve lu_unpack
    margin_ranking_loss masked_fill masked_scatter masked_select matmul matrix_exp matrix_power
    max max_pool1d max_pool1d_with_indices max_pool2d max_pool3d maximum mean median meshgrid
    min minimum mm mode moveaxis movedim msort mul multinomial multiply mv mvlgamma nan_to_num
    nanmean nanmedian nanquantile nansum narrow narrow_copy native_dropout native_group_norm
    native_layer_norm native_norm ne neg negative nextafter nonzero nonzero_static norm
    norm_except_dim normal not_equal nuclear_norm numel ones ones_like orgqr ormqr outer
    pairwise_distance pdist permute permute_copy pixel_shuffle pixel_unshuffle poisson
    poisson_nll_loss polar polygamma positive pow prelu prod promote_types put qr quantile
    rad2deg rand rand_like randint randint_like randn randn_like randperm range ravel real
    reciprocal relu remainder renorm repeat_interleave reshape resolve_conj resolve_neg
    result_type rms_norm rnn_relu rnn_relu_cell rnn_tanh roll rot90 round row_indices_copy
    row_stack rrelu rsqrt rsub scalar_tensor scatter scatter_add scatter_reduce searchsorted
    segment_reduce select select_copy select_scatter selu sgn sigmoid sign signbit sin sinc sinh
    slice_copy slice_inverse slice_scatter slogdet smm softmax sort sparse_bsc_tensor
    sparse_bsr_tensor sparse_compressed_tensor sparse_coo_tensor sparse_csc_tensor
    sparse_csr_tensor split split_copy split_with_sizes split_with_sizes_copy sqrt square
    squeeze squeeze_copy sspaddmm stack std std_mean stft sub subtract sum svd swapaxes swapdims
    t t_copy take take_along_dim tan tanh tensor tensor_split tensordot threshold tile topk
    trace transpose transpose_copy trapezoid trapz triangular_solve tril tril_indices
    triplet_margin_loss triu triu_indices true_divide trunc unbind unbind_copy unflatten
    unfold_copy unique unique_consecutive unravel_index unsafe_chunk unsafe_split
    unsafe_split_with_sizes unsqueeze unsqueeze_copy values_copy vander var var_mean vdot
    view_as_complex view_as_complex_copy view_as_real view_as_real_copy view_copy vsplit vstack
    wait where xlogy zeros zeros_like
""".split()
)
"""Of `torch`."""

FUNCTIONAL = frozenset(
    """
    adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d adaptive_max_pool1d
    adaptive_max_pool1d_with_indices adaptive_max_pool2d adaptive_max_pool2d_with_indices
    adaptive_max_pool3d adaptive_max_pool3d_with_indices affine_grid alpha_dropout avg_pool1d
    avg_pool2d avg_pool3d bilinear binary_cross_entropy binary_cross_entropy_with_logits celu
    channel_shuffle conv1d conv2d conv3d conv_tbc conv_transpose1d conv_transpose2d
    conv_transpose3d cosine_embedding_loss cosine_similarity cross_entropy ctc_loss dropout
    dropout1d dropout2d dropout3d elu embedding feature_alpha_dropout fold fractional_max_pool2d
    fractional_max_pool3d gaussian_nll_loss gelu glu grid_sample group_norm gumbel_softmax
    hardshrink hardsigmoid hardswish hardtanh hinge_embedding_loss huber_loss interpolate kl_div
    l1_loss layer_norm leaky_relu linear linear_cross_entropy local_response_norm log_softmax
    lp_pool1d lp_pool2d lp_pool3d margin_ranking_loss max_pool1d max_pool1d_with_indices
    max_pool2d max_pool2d_with_indices max_pool3d max_pool3d_with_indices max_unpool1d
    max_unpool2d max_unpool3d mish mse_loss multi_margin_loss multilabel_margin_loss
    multilabel_soft_margin_loss nll_loss normalize one_hot pad pairwise_distance pdist
    pixel_shuffle pixel_unshuffle poisson_nll_loss prelu relu relu6 rms_norm rrelu
    scaled_dot_product_attention selu sigmoid silu smooth_l1_loss soft_margin_loss softmax
    softmin softplus softshrink softsign tanh tanhshrink triplet_margin_loss unfold upsample
    upsample_bilinear upsample_nearest
""".split()
)
"""Of `torch.nn.functional`."""

LINALG = frozenset(
    """
    cholesky cholesky_ex cond cross det diagonal eig eigh eigvals eigvalsh householder_product
    inv inv_ex ldl_factor ldl_factor_ex ldl_solve lstsq lu lu_factor lu_factor_ex lu_solve
    matmul matrix_exp matrix_norm matrix_power matrix_rank multi_dot norm pinv qr slogdet solve
    solve_ex solve_triangular svd svdvals tensorinv tensorsolve vander vecdot vector_norm
""".split()
)
"""Of `torch.linalg`."""

FFT = frozenset(
    """
    fft fft2 fftfreq fftn fftshift hfft hfft2 hfftn ifft ifft2 ifftn ifftshift ihfft ihfft2
    ihfftn irfft irfft2 irfftn rfft rfft2 rfftfreq rfftn
""".split()
)
"""Of `torch.fft`."""

SPECIAL = frozenset(
    """
    airy_ai bessel_j0 bessel_j1 bessel_y0 bessel_y1 chebyshev_polynomial_t
    chebyshev_polynomial_u chebyshev_polynomial_v chebyshev_polynomial_w digamma entr erf erfc
    erfcx erfinv exp2 expit expm1 gammainc gammaincc gammaln hermite_polynomial_h
    hermite_polynomial_he i0 i0e i1 i1e laguerre_polynomial_l legendre_polynomial_p log1p
    log_ndtr log_softmax logit logsumexp modified_bessel_i0 modified_bessel_i1
    modified_bessel_k0 modified_bessel_k1 multigammaln ndtr ndtri polygamma psi round
    scaled_modified_bessel_k0 scaled_modified_bessel_k1 shifted_chebyshev_polynomial_t
    shifted_chebyshev_polynomial_u shifted_chebyshev_polynomial_v shifted_chebyshev_polynomial_w
    sinc softmax spherical_bessel_j0 xlog1py xlogy zeta
""".split()
)
"""Of `torch.special`."""

MATH = frozenset(
    """
    acos acosh asin asinh atan atan2 atanh cbrt ceil comb copysign cos cosh degrees dist erf
    erfc exp exp2 expm1 fabs factorial floor fmod frexp fsum gamma gcd hypot isclose isfinite
    isinf isnan isqrt lcm ldexp lgamma log log10 log1p log2 modf nextafter perm pow prod radians
    remainder sin sinh sqrt tan tanh trunc ulp
""".split()
)
"""Of `math`."""

METHODS = frozenset(
    """
    abs absolute acos acosh addbmm addcdiv addcmul addmm addmv addr adjoint all allclose amax
    amin aminmax angle any arccos arccosh arcsin arcsinh arctan arctan2 arctanh argmax argmin
    argsort argwhere as_strided as_strided_scatter asin asinh atan atan2 atanh baddbmm bernoulli
    bfloat16 bincount bitwise_and bitwise_left_shift bitwise_not bitwise_or bitwise_right_shift
    bitwise_xor bmm bool broadcast_to byte ccol_indices ceil chalf char cholesky
    cholesky_inverse cholesky_solve chunk clamp clamp_max clamp_min clip clone coalesce
    col_indices conj conj_physical contiguous copysign corrcoef cos cosh count_nonzero cov cpu
    cross crow_indices cuda cummax cummin cumprod cumsum deg2rad dense_dim det detach diag
    diag_embed diagflat diagonal diagonal_scatter diff digamma dim dim_order dist div divide dot
    double dsplit element_size eq equal erf erfc erfinv exp exp2 expand expand_as expm1 fix
    flatten flip fliplr flipud float float_power floor floor_divide fmax fmin fmod frac frexp
    gather gcd ge geqrf ger get_device greater greater_equal gt half hardshrink hash_tensor
    heaviside histc histogram hsplit hypot i0 igamma igammac index index_add index_copy
    index_fill index_put index_reduce index_select indices inner int inverse is_coalesced
    is_complex is_conj is_contiguous is_distributed is_floating_point is_inference is_neg
    is_nonzero is_pinned is_same_size is_set_to is_signed isclose isfinite isinf isnan isneginf
    isposinf isreal istft item kron kthvalue lcm ldexp le lerp less less_equal lgamma log log10
    log1p log2 log_softmax logaddexp logaddexp2 logcumsumexp logdet logical_and logical_not
    logical_or logical_xor logit logsumexp long lt lu_solve masked_fill masked_scatter
    masked_select matmul matrix_exp matrix_power max maximum mean median min minimum mm mode
    moveaxis movedim msort mul multinomial multiply mv mvlgamma nan_to_num nanmean nanmedian
    nanquantile nansum narrow narrow_copy ndimension ne neg negative nelement new_empty
    new_empty_strided new_full new_ones new_tensor new_zeros nextafter nonzero nonzero_static
    norm not_equal numel orgqr ormqr outer permute polygamma positive pow prelu prod put qr
    qscheme quantile rad2deg ravel reciprocal relu remainder renorm repeat repeat_interleave
    reshape reshape_as resolve_conj resolve_neg roll rot90 round row_indices rsqrt scatter
    scatter_add scatter_reduce select select_scatter sgn short sigmoid sign signbit sin sinc
    sinh size slice_inverse slice_scatter slogdet smm softmax sparse_dim sparse_mask split
    split_with_sizes sqrt square squeeze sspaddmm std stft stride sub subtract sum sum_to_size
    svd swapaxes swapdims t take take_along_dim tan tanh tensor_split tile to to_dense
    to_padded_tensor to_sparse to_sparse_bsc to_sparse_bsr to_sparse_csc to_sparse_csr tolist
    topk trace transpose triangular_solve tril triu true_divide trunc type type_as unbind
    unflatten unfold unique unique_consecutive unsafe_chunk unsafe_split unsafe_split_with_sizes
    unsqueeze values var vdot view view_as vsplit where xlogy
""".split()
)
"""Methods of tensors; not `add` and `sort`, which sets and lists have too."""
