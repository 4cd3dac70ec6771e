// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/probe/probe_subject.h"

#include "engine/device/shape_text.h"
#include "engine/error.h"
#include "engine/transform/paradigm_probe.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/stack.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace engine {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

[[noreturn]] void bad_shapes(const ProbeConfig& config, const std::string& message,
                             const std::string& remedy) {
  fail("shape-mismatch", {config.input}, message, remedy);
}

ForwardContext training_context(std::int64_t step, c10::ScalarType dtype) {
  ForwardContext context;
  context.phase = Phase::train;
  context.compute_dtype = dtype;
  context.step = step;
  context.measure = true;
  return context;
}

ReplaceContext replace_context(const ProbeConfig& config, const at::Tensor& operand) {
  return {static_cast<std::uint64_t>(config.seed), operand.device()};
}

/// The ranges that a user fixed, against the places that the layers have.
class RangeChoice {
 public:
  RangeChoice(std::vector<RangeSite> sites, const std::vector<FixedRange>& fixed,
              const std::string& paradigm)
      : sites_(std::move(sites)), fixed_(fixed) {
    std::vector<std::string> names;
    for (const RangeSite& site : sites_) names.push_back(site.name);
    for (const FixedRange& range : fixed_) {
      if (std::find(names.begin(), names.end(), range.site) != names.end()) continue;
      const std::string near = nearest_name(range.site, names);
      const std::string known = names.empty()
                                    ? "none can be fixed"
                                    : fmt::format("Known here: {}", fmt::join(names, ", "));
      fail("bad-value", {"--range"},
           fmt::format("{} has no range {} in this operation", paradigm, range.site),
           near.empty() ? known : fmt::format("Did you mean {}?", near));
    }
  }

  const std::vector<RangeSite>& sites() const { return sites_; }
  const RealPair* fixed(const std::string& site) const {
    for (const FixedRange& range : fixed_) {
      if (range.site == site) return &range.range;
    }
    return nullptr;
  }

 private:
  std::vector<RangeSite> sites_;
  std::vector<FixedRange> fixed_;
};

at::Tensor state_of(std::vector<NamedState> states, const RangeSite& site,
                    const std::string& paradigm) {
  for (const NamedState& state : states) {
    if (state.name == site.state) return state.tensor;
  }
  fail("range-unset", {"--range"},
       fmt::format("a layer of {} has no state {} for the range {}", paradigm, site.state,
                   site.name));
}

void write_range(const at::Tensor& state, double low, double high) {
  const float bounds[2] = {static_cast<float>(low), static_cast<float>(high)};
  at::Tensor values = at::empty({2}, at::TensorOptions().dtype(at::kFloat));
  std::copy(bounds, bounds + 2, values.data_ptr<float>());
  state.copy_(values);
}

std::pair<float, float> read_range(const at::Tensor& state) {
  const at::Tensor values = state.to(at::kCPU, at::kFloat).contiguous();
  return {values.const_data_ptr<float>()[0], values.const_data_ptr<float>()[1]};
}

template <typename Layer>
void write_fixed_ranges(Layer& layer, const RangeChoice& choice, const std::string& paradigm) {
  for (const RangeSite& site : choice.sites()) {
    const RealPair* range = choice.fixed(site.name);
    if (range == nullptr) continue;
    write_range(state_of(layer.simulation_state(), site, paradigm), range->first, range->second);
  }
}

template <typename Layer>
std::vector<ProbeRange> ranges_of(Layer& layer, const RangeChoice& choice,
                                  const std::string& paradigm) {
  std::vector<ProbeRange> ranges;
  for (const RangeSite& site : choice.sites()) {
    const auto [low, high] = read_range(state_of(layer.simulation_state(), site, paradigm));
    if (!std::isfinite(low)) continue;  // never used: bypass
    ranges.push_back({site.name, low, high, choice.fixed(site.name) != nullptr});
  }
  return ranges;
}

/// Sums the statistics of layers and draws by name, in the order of their first appearance.
class StatisticMeans {
 public:
  void add(const std::vector<NamedStatistic>& statistics) {
    for (const NamedStatistic& statistic : statistics) {
      auto found = std::find_if(sums_.begin(), sums_.end(),
                                [&](const Sum& sum) { return sum.name == statistic.name; });
      if (found == sums_.end()) found = sums_.insert(found, {statistic.name, 0, 0});
      found->sum += statistic.value.to(at::kCPU, at::kDouble).item<double>();
      ++found->count;
    }
  }
  std::vector<std::pair<std::string, double>> means() const {
    std::vector<std::pair<std::string, double>> means;
    for (const Sum& sum : sums_) {
      means.emplace_back(sum.name, sum.sum / static_cast<double>(sum.count));
    }
    return means;
  }

 private:
  struct Sum {
    std::string name;
    double sum;
    std::int64_t count;
  };
  std::vector<Sum> sums_;
};

class LinearSubject final : public ProbeSubject {
 public:
  LinearSubject(const Paradigm& paradigm, const ParamValues& values, const ProbeConfig& config,
                const ProbeInputs& inputs)
      : config_(config),
        choice_(paradigm.probe()->range_sites(LayerKind::linear), config.ranges, paradigm.id()),
        x_(inputs.find("x")) {
    const at::Tensor weight = inputs.find("weight");
    at::Tensor bias = inputs.find("bias");
    if (weight.dim() != 2 || x_.dim() < 1 || x_.size(-1) != weight.size(1)) {
      bad_shapes(config,
                 fmt::format("x {} and weight {} do not make a Linear", shape_text(x_),
                             shape_text(weight)),
                 "Give x […, in] and weight [out, in]");
    }
    if (bias.defined() && (bias.dim() != 1 || bias.size(0) != weight.size(0))) {
      bad_shapes(
          config,
          fmt::format("bias {} does not fit weight {}", shape_text(bias), shape_text(weight)),
          "Give bias [out]");
    }
    if (bias.defined()) bias = bias.to(at::kFloat);
    layer_ =
        paradigm.replace(std::make_unique<PlainLinear>(config.layer, weight.to(at::kFloat), bias),
                         paradigm.probe()->steady(values), replace_context(config, x_));
    write_fixed_ranges(*layer_, choice_, config.paradigm);
  }

  at::Tensor draw(std::int64_t step) override {
    const bool is_row = x_.dim() == 1;
    const at::Tensor x = is_row ? x_.unsqueeze(0) : x_;
    const at::Tensor y = layer_->forward(x, training_context(step, x_.scalar_type()));
    return is_row ? y.squeeze(0) : y;
  }
  std::vector<ProbeRange> ranges() override {
    return ranges_of(*layer_, choice_, config_.paradigm);
  }
  std::vector<std::pair<std::string, double>> statistics() override {
    StatisticMeans means;
    means.add(layer_->statistics());
    return means.means();
  }

 private:
  const ProbeConfig& config_;
  RangeChoice choice_;
  at::Tensor x_;
  std::unique_ptr<LinearLayer> layer_;
};

/// a·b as Linears: each matrix of a batched b is the weight of a layer of its own, named LAYER,
/// LAYER.1, LAYER.2 …, and all share one set of ranges.
class MatmulSubject final : public ProbeSubject {
 public:
  MatmulSubject(const Paradigm& paradigm, const ParamValues& values, const ProbeConfig& config,
                const ProbeInputs& inputs)
      : config_(config),
        choice_(paradigm.probe()->range_sites(LayerKind::linear), config.ranges, paradigm.id()) {
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
      layers_.push_back(
          paradigm.replace(std::make_unique<PlainLinear>(name, weights_[i], at::Tensor()), steady,
                           replace_context(config, weights_[i])));
      write_fixed_ranges(*layers_.back(), choice_, config.paradigm);
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
          layers_[i]->forward(rows_[i], training_context(step, rows_[i].scalar_type())));
    }
    return at::stack(products).reshape(shape_);
  }
  std::vector<ProbeRange> ranges() override {
    return ranges_of(*layers_.front(), choice_, config_.paradigm);
  }
  std::vector<std::pair<std::string, double>> statistics() override {
    StatisticMeans means;
    for (const auto& layer : layers_) means.add(layer->statistics());
    return means.means();
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
      layers_[i]->forward(rows_[i], training_context(config_.step, rows_[i].scalar_type()));
    }
    std::vector<std::pair<float, float>> shared;
    for (const RangeSite& site : choice_.sites()) {
      std::pair<float, float> all{kInfinity, -kInfinity};
      for (const auto& layer : layers_) {
        const auto one = read_range(state_of(layer->simulation_state(), site, config_.paradigm));
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
        write_range(state_of(states, site, config_.paradigm), shared[s].first, shared[s].second);
      }
    }
  }

  const ProbeConfig& config_;
  RangeChoice choice_;
  std::vector<at::Tensor> rows_;     // […, M, K]
  std::vector<at::Tensor> weights_;  // [N, K]
  std::vector<std::int64_t> shape_;
  std::vector<std::unique_ptr<LinearLayer>> layers_;
};

void require_attention_shapes(const ProbeConfig& config, const at::Tensor& q, const at::Tensor& k,
                              const at::Tensor& v) {
  if (!is_attention(q, k, v)) {
    bad_shapes(config,
               fmt::format("q {}, k {} and v {} do not make an attention", shape_text(q),
                           shape_text(k), shape_text(v)),
               "Give q [B, H, S_q, D] and k, v [B, H_kv, S_k, D] with H a multiple of H_kv");
  }
  if (k.scalar_type() != q.scalar_type() || v.scalar_type() != q.scalar_type()) {
    fail("unsupported-dtype", {config.input}, "q, k and v differ in their dtype",
         "Store all three as F32, BF16 or F16");
  }
}

class AttentionSubject final : public ProbeSubject {
 public:
  AttentionSubject(const Paradigm& paradigm, const ParamValues& values, const ProbeConfig& config,
                   const ProbeInputs& inputs)
      : config_(config),
        choice_(paradigm.probe()->range_sites(LayerKind::attention), config.ranges, paradigm.id()),
        q_(inputs.find("q")),
        k_(inputs.find("k")),
        v_(inputs.find("v")) {
    require_attention_shapes(config, q_, k_, v_);
    if (!config.causal && !paradigm.probe()->offers_full_attention()) {
      fail("not-offered", {"--no-causal"},
           fmt::format("the attention of {} is causal always", paradigm.id()),
           "Leave --no-causal out");
    }
    const AttentionShape shape{q_.size(1), k_.size(1), q_.size(3), 0, config.causal};
    layer_ = paradigm.replace(std::make_unique<PlainAttention>(config.layer, shape),
                              paradigm.probe()->steady(values), replace_context(config, q_));
    write_fixed_ranges(*layer_, choice_, config.paradigm);
  }

  at::Tensor draw(std::int64_t step) override {
    const at::Tensor y = layer_->forward(q_, k_, v_, training_context(step, q_.scalar_type()));
    return y.reshape({q_.size(0), q_.size(2), q_.size(1), q_.size(3)}).transpose(1, 2);
  }
  std::vector<ProbeRange> ranges() override {
    return ranges_of(*layer_, choice_, config_.paradigm);
  }
  std::vector<std::pair<std::string, double>> statistics() override {
    StatisticMeans means;
    means.add(layer_->statistics());
    return means.means();
  }

 private:
  const ProbeConfig& config_;
  RangeChoice choice_;
  at::Tensor q_, k_, v_;
  std::unique_ptr<AttentionCore> layer_;
};

class TensorSubject final : public ProbeSubject {
 public:
  TensorSubject(const Paradigm& paradigm, const ParamValues& values, const ProbeConfig& config,
                const ProbeInputs& inputs)
      : config_(config), probe_(paradigm.probe()), values_(values), x_(inputs.find("x")) {
    const std::vector<std::string> roles = probe_->roles();
    if (!roles.empty() && std::find(roles.begin(), roles.end(), config.role) == roles.end()) {
      const std::string near = nearest_name(config.role, roles);
      fail("bad-value", {"--role"}, fmt::format("{} has no operand {}", paradigm.id(), config.role),
           near.empty() ? fmt::format("Known: {}", fmt::join(roles, ", "))
                        : fmt::format("Did you mean {}?", near));
    }
    for (const FixedRange& fixed : config.ranges) {
      if (fixed.site == config.role || fixed.site == "x") {
        range_ = fixed.range;
        continue;
      }
      fail("bad-value", {"--range"},
           fmt::format("the one operand here is {}, not {}", config.role, fixed.site),
           fmt::format("Give --range {}=LOW,HIGH", config.role));
    }
  }

  at::Tensor draw(std::int64_t step) override {
    EncodeCall call{.role = config_.role,
                    .layer = config_.layer,
                    .run_seed = static_cast<std::uint64_t>(config_.seed),
                    .context = training_context(step, x_.scalar_type()),
                    .range = range_};
    const at::Tensor y = probe_->encode(x_, values_, call);
    used_ = call.range;
    return y;
  }
  std::vector<ProbeRange> ranges() override {
    if (!used_) return {};
    return {{config_.role, used_->first, used_->second, range_.has_value()}};
  }

 private:
  const ProbeConfig& config_;
  std::unique_ptr<ParadigmProbe> probe_;
  ParamValues values_;
  at::Tensor x_;
  std::optional<RealPair> range_;
  std::optional<RealPair> used_;
};

/// Head by head, so that one head's scores exist at a time.
at::Tensor exact_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                           bool causal) {
  at::Tensor y = at::empty(q.sizes(), q.options());
  const std::int64_t group = q.size(1) / k.size(1);
  const std::int64_t queries = q.size(2), keys = k.size(2);
  const double scale = 1.0 / std::sqrt(static_cast<double>(q.size(3)));
  at::Tensor hidden;
  if (causal) {
    hidden = at::ones({queries, keys}, at::TensorOptions().dtype(at::kBool))
                 .tril(keys - queries)
                 .logical_not();
  }
  for (std::int64_t batch = 0; batch < q.size(0); ++batch) {
    for (std::int64_t head = 0; head < q.size(1); ++head) {
      const at::Tensor key = k.select(0, batch).select(0, head / group);
      at::Tensor scores = at::matmul(q.select(0, batch).select(0, head), key.t()).mul_(scale);
      if (causal) scores.masked_fill_(hidden, -std::numeric_limits<double>::infinity());
      y.select(0, batch).select(0, head).copy_(
          at::matmul(at::softmax(scores, -1), v.select(0, batch).select(0, head / group)));
    }
  }
  return y;
}

}  // namespace

ProbeSubject::~ProbeSubject() = default;

at::Tensor ProbeInputs::find(const std::string& name) const {
  for (const auto& [own, tensor] : tensors) {
    if (own == name) return tensor;
  }
  return {};
}

std::unique_ptr<ProbeSubject> make_probe_subject(const Paradigm& paradigm,
                                                 const ParamValues& values,
                                                 const ProbeConfig& config,
                                                 const ProbeInputs& inputs) {
  switch (config.operation) {
    case ProbeOperation::linear:
      return std::make_unique<LinearSubject>(paradigm, values, config, inputs);
    case ProbeOperation::matmul:
      return std::make_unique<MatmulSubject>(paradigm, values, config, inputs);
    case ProbeOperation::attention:
      return std::make_unique<AttentionSubject>(paradigm, values, config, inputs);
    case ProbeOperation::tensor:
      return std::make_unique<TensorSubject>(paradigm, values, config, inputs);
  }
  return nullptr;
}

at::Tensor exact_output(const ProbeConfig& config, const ProbeInputs& inputs) {
  const at::NoGradGuard no_gradient;
  const auto exact = [&](const char* name) {
    const at::Tensor tensor = inputs.find(name);
    return tensor.defined() ? tensor.to(at::kCPU, at::kDouble) : tensor;
  };
  switch (config.operation) {
    case ProbeOperation::linear: {
      const at::Tensor bias = exact("bias");
      const at::Tensor y = at::matmul(exact("x"), exact("weight").t());
      return (bias.defined() ? y.add(bias) : y).contiguous();
    }
    case ProbeOperation::matmul:
      return at::matmul(exact("a"), exact("b")).contiguous();
    case ProbeOperation::attention:
      return exact_attention(exact("q"), exact("k"), exact("v"), config.causal);
    case ProbeOperation::tensor:
      return exact("x").contiguous();
  }
  return {};
}

}  // namespace engine
