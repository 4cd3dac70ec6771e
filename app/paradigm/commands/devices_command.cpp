// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/engine_library.h"
#include "app/paradigm/command.h"
#include "app/paradigm/engine_report.h"

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

namespace paradigm {

Command devices_command() {
  return {.name = "devices",
          .summary = "List what --device may name, the driver found and the one required",
          .examples = "paradigm devices\nparadigm devices --json",
          .declare = [](CLI::App& app) -> std::function<int()> {
            auto as_json = std::make_shared<bool>(false);
            app.add_flag("--json", *as_json, "Print one JSON object");
            return [as_json] {
              const engine::DeviceReport report = app::load_engine().devices();
              if (*as_json) {
                print_json(json_of(report));
              } else {
                std::cout << text_of(report) << std::flush;
              }
              return kDone;
            };
          }};
}

}  // namespace paradigm
