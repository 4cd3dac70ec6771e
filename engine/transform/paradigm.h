// SPDX-License-Identifier: GPL-3.0-or-later
// The tensor half of a compute paradigm. See CONTRIBUTING.md, "Add a paradigm".
#pragma once

#include "engine/config/param_schema.h"
#include "engine/model/attention_core.h"
#include "engine/model/linear_layer.h"

#include <c10/core/Device.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace engine {

class ParadigmProbe;

struct ReplaceContext {
  /// noise is keyed by it, the layer's name, the rule's seed and the role
  std::uint64_t run_seed = 42;
  c10::Device device = c10::DeviceType::CPU;  ///< where the layer computes and its state lives
};

/// Makes replacements for plain layers. Stateless. What a replacement may count on and must keep is
/// stated at ForwardContext, LinearLayer and AttentionCore: noise independent per output element
/// and keyed by step, ranges in fp32 on the layer's device taken before quantisation, no host read,
/// evaluation changes nothing.
class Paradigm {
 public:
  virtual ~Paradigm();
  virtual std::string id() const = 0;
  /// `values` are effective: every parameter of the schema is there. The base versions throw Error
  /// naming the layer.
  virtual std::unique_ptr<LinearLayer> replace(std::unique_ptr<LinearLayer> original,
                                               const ParamValues& values,
                                               const ReplaceContext& context) const;
  virtual std::unique_ptr<AttentionCore> replace(std::unique_ptr<AttentionCore> original,
                                                 const ParamValues& values,
                                                 const ReplaceContext& context) const;
  /// What `paradigm probe` may do with the paradigm beyond running its layers; the base version's
  /// offers nothing. Never null.
  virtual std::unique_ptr<ParadigmProbe> probe() const;
};

/// All built-in paradigms, by id; the list is written by CMake.
std::vector<std::shared_ptr<Paradigm>> all_paradigms();

}  // namespace engine
