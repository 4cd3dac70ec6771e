// SPDX-License-Identifier: GPL-3.0-or-later
// The only file that includes Arrow.
#include "engine/data/parquet_text.h"

#include "engine/data/input_file.h"
#include "engine/error.h"
#include "engine/utf8.h"

#include <arrow/array.h>
#include <arrow/io/file.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <fmt/format.h>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/schema.h>
#include <parquet/exception.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace engine {
namespace {

constexpr std::int64_t rows_per_batch = 1000;

bool is_text(const arrow::DataType& type) {
  if (type.id() == arrow::Type::DICTIONARY) {
    return is_text(*static_cast<const arrow::DictionaryType&>(type).value_type());
  }
  return type.id() == arrow::Type::STRING || type.id() == arrow::Type::LARGE_STRING ||
         type.id() == arrow::Type::STRING_VIEW;
}

/// Value `row` of a column that is_text(); nothing where it is null.
std::optional<std::string_view> text_at(const arrow::Array& column, std::int64_t row) {
  if (column.IsNull(row)) return std::nullopt;
  switch (column.type_id()) {
    case arrow::Type::STRING:
      return static_cast<const arrow::StringArray&>(column).GetView(row);
    case arrow::Type::LARGE_STRING:
      return static_cast<const arrow::LargeStringArray&>(column).GetView(row);
    case arrow::Type::STRING_VIEW:
      return static_cast<const arrow::StringViewArray&>(column).GetView(row);
    default: {
      const auto& coded = static_cast<const arrow::DictionaryArray&>(column);
      return text_at(*coded.dictionary(), coded.GetValueIndex(row));
    }
  }
}

class ParquetText final : public TextStream {
 public:
  explicit ParquetText(const std::filesystem::path& path) : path_(path) {
    const InputFile probe(path);
    bytes_ = probe.size();
    if (bytes_ == 0) {
      fail("empty-file", Place{.file = path.string()}, "the file is empty",
           "Give a file with text in it");
    }
    guarded([this] { open(); });
  }

  bool next(std::string& text) override {
    bool found = false;
    guarded([&] { found = next_text(text); });
    return found;
  }

  std::uint64_t bytes_read() const override {
    if (rows_ == 0 || row_ >= rows_) return bytes_;
    return static_cast<std::uint64_t>(static_cast<double>(row_) / static_cast<double>(rows_) *
                                      static_cast<double>(bytes_));
  }

  std::int64_t skipped() const override { return skipped_; }

 private:
  /// Arrow reports by Status, Parquet also by exception; both become one Error that names the file.
  template <typename Work>
  void guarded(const Work& work) {
    try {
      work();
    } catch (const Error&) {
      throw;
    } catch (const std::exception& problem) {
      fail("bad-parquet", Place{.file = path_.string()},
           fmt::format("the Parquet file cannot be read: {}", problem.what()),
           "It may be cut off; write it again");
    }
  }

  static void check(const arrow::Status& status) {
    if (!status.ok()) throw std::runtime_error(status.ToString());
  }

  void open() {
    auto input = arrow::io::ReadableFile::Open(path_.string());
    check(input.status());
    parquet::ReaderProperties properties;
    properties.enable_buffered_stream();
    parquet::ArrowReaderProperties arrow_properties(/*use_threads=*/false);
    arrow_properties.set_batch_size(rows_per_batch);
    arrow_properties.set_pre_buffer(false);
    parquet::arrow::FileReaderBuilder builder;
    check(builder.Open(*input, properties));
    builder.properties(arrow_properties);
    auto reader = builder.Build();
    check(reader.status());
    reader_ = std::move(*reader);
    rows_ = reader_->parquet_reader()->metadata()->num_rows();

    const int leaf = text_column();
    std::vector<int> row_groups(static_cast<std::size_t>(reader_->num_row_groups()));
    for (std::size_t i = 0; i < row_groups.size(); ++i) row_groups[i] = static_cast<int>(i);
    auto batches = reader_->GetRecordBatchReader(row_groups, {leaf});
    check(batches.status());
    batches_ = std::move(*batches);
  }

  int text_column() {
    const std::vector<parquet::arrow::SchemaField>& fields = reader_->manifest().schema_fields;
    if (fields.empty())
      fail("no-column", Place{.file = path_.string()}, "the Parquet file has no column");
    auto found = std::find_if(fields.begin(), fields.end(),
                              [](const auto& field) { return field.field->name() == "text"; });
    if (found == fields.end()) found = fields.begin();
    if (!is_text(*found->field->type())) {
      fail("column-not-text", Place{.file = path_.string()},
           fmt::format("column \"{}\" is of type {}, not a string", found->field->name(),
                       found->field->type()->ToString()),
           "Give the texts a column named text, of type string");
    }
    return found->column_index;
  }

  bool next_text(std::string& text) {
    while (true) {
      while (column_ != nullptr && batch_row_ < column_->length()) {
        ++row_;
        const std::optional<std::string_view> value = text_at(*column_, batch_row_++);
        if (!value) {
          ++skipped_;
          continue;
        }
        if (first_invalid_utf8(*value) != std::string_view::npos) {
          fail("invalid-utf8", Place{.file = path_.string()},
               fmt::format("the text in row {} is not valid UTF-8", row_),
               "Write the file again from valid text");
        }
        text.assign(*value);
        return true;
      }
      std::shared_ptr<arrow::RecordBatch> batch;
      check(batches_->ReadNext(&batch));
      if (batch == nullptr) return false;
      check(batch->ValidateFull());
      column_ = batch->column(0);
      batch_row_ = 0;
    }
  }

  std::filesystem::path path_;
  std::uint64_t bytes_ = 0;
  std::unique_ptr<parquet::arrow::FileReader> reader_;
  std::shared_ptr<arrow::RecordBatchReader> batches_;
  std::shared_ptr<arrow::Array> column_;
  std::int64_t batch_row_ = 0;
  std::int64_t row_ = 0;
  std::int64_t rows_ = 0;
  std::int64_t skipped_ = 0;
};

}  // namespace

std::unique_ptr<TextStream> open_parquet_text(const std::filesystem::path& file) {
  return std::make_unique<ParquetText>(file);
}

}  // namespace engine
