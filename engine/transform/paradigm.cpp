// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/transform/paradigm.h"

#include "engine/error.h"
#include "engine/transform/paradigm_probe.h"

namespace engine {

Paradigm::~Paradigm() = default;

std::unique_ptr<LinearLayer> Paradigm::replace(std::unique_ptr<LinearLayer> original,
                                               const ParamValues&, const ReplaceContext&) const {
  fail("kind-not-handled", {},
       "paradigm " + id() + " cannot replace the Linear " + original->name(),
       "Give this layer a rule of another paradigm, or null to leave it alone");
}

std::unique_ptr<AttentionCore> Paradigm::replace(std::unique_ptr<AttentionCore> original,
                                                 const ParamValues&, const ReplaceContext&) const {
  fail("kind-not-handled", {},
       "paradigm " + id() + " cannot replace the attention " + original->name(),
       "Give this layer a rule of another paradigm, or null to leave it alone");
}

std::unique_ptr<ParadigmProbe> Paradigm::probe() const { return std::make_unique<ParadigmProbe>(); }

}  // namespace engine
