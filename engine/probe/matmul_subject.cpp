// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/probe/matmul_subject.h"

#include "engine/device/shape_text.h"
#include "engine/probe/layer_subject.h"

#include <ATen/ops/stack.h>

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace engine {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

class MatmulSubject final : public LayerSubject<LinearLayer> {
 public:
  MatmulSubject(const Paradigm& paradigm, const ParamValues& values, const ProbeConfig& config,
                const ProbeInputs& inputs)
      : LayerSubject(paradigm, LayerKind::linear, config) {
    const at::Tensor a = inputs.find("a");
    const at::Tensor b = inputs.find("b");
    if (a.dim() < 2 || b.dim() < 2 || a.size(-1) != b.size(-2)) {
      bad_shapes(config,
                 fmt::format("a {} and b {} do not make a product", shape_text(a), shape_text(b)),
                 "Give a […, M, K] and b […, K, N]");
    }
    split(a, b);
    const ParamValues steady = paradigm.probe()->steady(values);
    for (std::size_t i = 0; i < weights_.size(); ++i) {
      const std::string name = i == 0 ? config.layer : fmt::format("{}.{}", config.layer, i);
      add(paradigm.replace(std::make_unique<PlainLinear>(name, weights_[i], at::Tensor()), steady,
                           probe_replace_context(config, weights_[i])));
    }
    if (layers_.size() > 1 && !choice_.sites().empty()) {
      share_ranges(false);
      share_ranges(true);
    }
  }

  at::Tensor draw(std::int64_t step) override {
    std::vector<at::Tensor> products;
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      products.push_back(
          layers_[i]->forward(rows_[i], probe_context(step, rows_[i].scalar_type())));
    }
    return at::stack(products).reshape(shape_);
  }

 private:
  void split(const at::Tensor& a, const at::Tensor& b) {
    const std::int64_t k = a.size(-1), m = a.size(-2), n = b.size(-1);
    if (b.dim() == 2) {
      rows_ = {a};
      weights_ = {b.to(at::kFloat).t().contiguous()};
      shape_ = a.sizes().vec();
      shape_.back() = n;
      return;
    }
    shape_ = batch_shape(a, b);
    std::vector<std::int64_t> a_shape = shape_, b_shape = shape_;
    a_shape.insert(a_shape.end(), {m, k});
    b_shape.insert(b_shape.end(), {k, n});
    const at::Tensor a_all = a.expand(a_shape).reshape({-1, m, k});
    const at::Tensor b_all = b.expand(b_shape).reshape({-1, k, n});
    for (std::int64_t i = 0; i < a_all.size(0); ++i) {
      rows_.push_back(a_all.select(0, i).unsqueeze(0));
      weights_.push_back(b_all.select(0, i).to(at::kFloat).t().contiguous());
    }
    shape_.insert(shape_.end(), {m, n});
    if (rows_.empty()) bad_shapes(config_, "a and b hold no matrix", "Give at least one");
  }

  std::vector<std::int64_t> batch_shape(const at::Tensor& a, const at::Tensor& b) const {
    const std::int64_t dims = std::max(a.dim(), b.dim()) - 2;
    std::vector<std::int64_t> shape(static_cast<std::size_t>(dims));
    for (std::int64_t d = 0; d < dims; ++d) {
      const std::int64_t from_end = dims - d + 2;
      const std::int64_t of_a = from_end <= a.dim() ? a.size(-from_end) : 1;
      const std::int64_t of_b = from_end <= b.dim() ? b.size(-from_end) : 1;
      if (of_a != of_b && of_a != 1 && of_b != 1) {
        bad_shapes(config_,
                   fmt::format("the leading dimensions of a {} and b {} do not fit", shape_text(a),
                               shape_text(b)),
                   "They must be equal, or 1, or left out");
      }
      shape[static_cast<std::size_t>(d)] = of_a == 1 ? of_b : of_a;
    }
    return shape;
  }

  /// One pass of every layer, then the least and greatest bound of the operands' ranges, or of the
  /// read-outs', for all. The others are as before the pass.
  void share_ranges(bool read_outs) {
    std::vector<std::vector<at::Tensor>> before;
    for (const auto& layer : layers_) {
      before.emplace_back();
      for (const NamedState& state : layer->simulation_state()) {
        before.back().push_back(state.tensor.clone());
      }
    }
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      layers_[i]->forward(rows_[i], probe_context(config_.step, rows_[i].scalar_type()));
    }
    std::vector<std::pair<float, float>> shared;
    for (const RangeSite& site : choice_.sites()) {
      std::pair<float, float> all{kInfinity, -kInfinity};
      for (const auto& layer : layers_) {
        const auto one = read_range(range_state(layer->simulation_state(), site, config_.paradigm));
        all = {std::min(all.first, one.first), std::max(all.second, one.second)};
      }
      shared.push_back(all);
    }
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      const std::vector<NamedState> states = layers_[i]->simulation_state();
      for (std::size_t s = 0; s < states.size(); ++s) states[s].tensor.copy_(before[i][s]);
      for (std::size_t s = 0; s < choice_.sites().size(); ++s) {
        const RangeSite& site = choice_.sites()[s];
        if (site.is_read_out != read_outs) continue;
        write_range(range_state(states, site, config_.paradigm), shared[s].first, shared[s].second);
      }
    }
  }

  std::vector<at::Tensor> rows_;     // […, M, K]
  std::vector<at::Tensor> weights_;  // [N, K]
  std::vector<std::int64_t> shape_;
};

}  // namespace

std::unique_ptr<ProbeSubject> make_matmul_subject(const Paradigm& paradigm,
                                                  const ParamValues& values,
                                                  const ProbeConfig& config,
                                                  const ProbeInputs& inputs) {
  return std::make_unique<MatmulSubject>(paradigm, values, config, inputs);
}

}  // namespace engine
