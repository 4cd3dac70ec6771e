// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/config/sweep_schema.h"

#include "engine/config/flag_tables.h"

namespace engine {

const ParamSchema& sweep_schema() {
  static const ParamSchema schema(in_group(
      "Sweep",
      {integer("noise_seeds", unset)
           .nullable()
           .range(1, 100000)
           .ours()
           .unit("draws")
           .help("Measure with that many independent draws of the simulated noise, at seeds seed, "
                 "seed + 1, ...: mean, standard deviation and 95 % interval; 1 with --sweep alone"),
       boolean("reference", true)
           .ours()
           .help("Measure `semantics: reference` beside, which is what upstream's code computes"),
       path("csv", unset).nullable().ours().help("Also write the table to this file, as CSV"),
       path("figure", unset)
           .nullable()
           .ours()
           .help("Also draw loss against the values of the one --sweep to this SVG file")}));
  return schema;
}

}  // namespace engine
