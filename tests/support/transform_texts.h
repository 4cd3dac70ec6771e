// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

namespace tests {

/// Optical attention and Linears, the head left alone.
inline constexpr const char* kOpticalRules = R"(use_regex: true
layer_name_to_config:
  model\.layers\.[0-9]+\.self_attn: &all
    q_levels: 256
    q_lut_min: 0.020040
    q_quantiles: null
    q_smooth_factor: 0.9
    q_init_seed: 0
    q_bypass: false
  model\.layers\.[0-9]+\.(self_attn\.(q|k|v|o)_proj|mlp\.(gate|up|down)_proj): *all
  lm_head: null
)";

/// Flips of a probability that moves over 12 steps.
inline constexpr const char* kBitFlipRules = R"(use_regex: true
layer_name_to_config:
  model\.layers\.[0-9]+\..*_proj:
    x_p_exp: 0.00002
    x_p_frac: {from: 0.002, to: 0.06, steps: 12, shape: log}
    x_zero_out_t: 30
    w_p_exp: 0.00002
    w_p_frac: 0.0002
    w_zero_out_t: 1.25
  lm_head: null
)";

}  // namespace tests
