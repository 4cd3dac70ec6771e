// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/transform/paradigm_probe.h"

#include "engine/error.h"

namespace engine {

ParadigmProbe::~ParadigmProbe() = default;

std::vector<RangeSite> ParadigmProbe::range_sites(LayerKind) const { return {}; }

ParamValues ParadigmProbe::steady(ParamValues values) const { return values; }

bool ParadigmProbe::offers_full_attention() const { return false; }

bool ParadigmProbe::draws_once_per_run(LayerKind) const { return false; }

std::vector<std::string> ParadigmProbe::roles() const { return {}; }

at::Tensor ParadigmProbe::encode(const at::Tensor&, const ParamValues&, EncodeCall&) const {
  fail("not-offered", {"--op"}, "this paradigm does not show how single operands are encoded",
       "Probe it with --op linear or --op attention");
}

std::vector<std::string> ParadigmProbe::fitted_parameters() const { return {}; }

std::vector<NoiseCheck> ParadigmProbe::self_check(const ParamValues&, const SelfCheckCall&) const {
  return {};
}

}  // namespace engine
