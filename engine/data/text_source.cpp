// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/data/text_source.h"

#include "engine/data/json_text.h"
#include "engine/data/line_text.h"
#include "engine/data/parquet_text.h"
#include "engine/data/text_format.h"

namespace engine {

std::unique_ptr<TextStream> open_text_file(const std::filesystem::path& file,
                                           bool keep_linebreaks) {
  switch (required_text_format(file)) {
    case TextFormat::lines:
      return open_line_text(file, keep_linebreaks);
    case TextFormat::json:
      return open_json_text(file);
    case TextFormat::parquet:
      return open_parquet_text(file);
  }
  return nullptr;
}

}  // namespace engine
