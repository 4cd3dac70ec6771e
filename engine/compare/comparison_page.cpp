// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/compare/comparison_export.h"
#include "engine/compare/comparison_figure.h"
#include "engine/compare/comparison_tables.h"
#include "engine/compare/trade_off_figure.h"
#include "engine/figures/svg_text.h"
#include "engine/runs/file_descriptor.h"
#include "engine/runs/run_folder.h"

#include <fmt/format.h>

namespace engine {
namespace {

constexpr std::size_t kMostConfiguration = 64u << 10;

constexpr const char* kHead = R"html(<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Comparison of runs</title>
<style>
body{font:15px/1.5 Helvetica,Arial,sans-serif;color:#1b1f24;background:#fff;max-width:60rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem;border-bottom:1px solid #dadde2}
.wide{overflow-x:auto}table{border-collapse:collapse;font-size:.9rem}
th,td{padding:.25rem .6rem;border-bottom:1px solid #e3e3e3;text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
th:first-child,td:first-child{text-align:left}
code,pre{font-family:ui-monospace,Menlo,Consolas,monospace;font-size:.85rem}
pre{background:#f4f5f7;padding:.6rem;overflow-x:auto}svg{max-width:100%;height:auto}
</style></head><body>
)html";

std::string table(const TextRows& rows) {
  std::string html = "<div class=\"wide\"><table>\n";
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const char* cell = i == 0 ? "th" : "td";
    html += "<tr>";
    for (const std::string& text : rows[i])
      html += fmt::format("<{0}>{1}</{0}>", cell, markup_escaped(text));
    html += "</tr>\n";
  }
  return html + "</table></div>\n";
}

std::string list(const std::vector<std::string>& lines) {
  std::string html = "<ul>\n";
  for (const std::string& line : lines) html += "<li>" + markup_escaped(line) + "</li>\n";
  return html + "</ul>\n";
}

std::string heading(const char* words) { return fmt::format("<h2>{}</h2>\n", words); }

std::string file_text(const std::filesystem::path& file) {
  const FileDescriptor descriptor = open_regular_file(file.c_str());
  return descriptor ? read_at(descriptor, 0, kMostConfiguration) : "";
}

std::string configurations(const std::vector<const ComparableRun*>& runs, std::size_t room) {
  std::string html;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    std::string part =
        fmt::format("<details><summary>{}</summary>\n", markup_escaped(runs[i]->name));
    const RunFolder folder{runs[i]->path};
    for (const auto& file : {folder.run_yaml(), folder.transform_yaml()}) {
      const std::string text = file_text(file);
      if (!text.empty())
        part +=
            fmt::format("<p>{}</p><pre>{}</pre>\n", file.filename().string(), markup_escaped(text));
    }
    part += "</details>\n";
    if (html.size() + part.size() > room)
      return html +
             fmt::format("<p>The configurations of {} more runs are in the folder runs/.</p>",
                         runs.size() - i);
    html += part;
  }
  return html;
}

}  // namespace

std::string comparison_page(const std::vector<const ComparableRun*>& runs,
                            const RunComparison& comparison, const std::string& command) {
  const ComparisonOptions& options = comparison.options;
  std::string html = kHead;
  html +=
      fmt::format("<h1>{} of {} runs</h1>\n", markup_escaped(options.metrics.front()), runs.size());
  html += svg_of(comparison_figure(runs, comparison));
  if (!options.cost.empty()) html += svg_of(trade_off_figure(runs, comparison));
  if (!comparison.verdicts.empty()) {
    html += heading("Verdicts against the baseline");
    std::vector<std::string> lines;
    for (const Verdict& verdict : comparison.verdicts)
      lines.push_back(comparison.groups[verdict.group].label + ": " + verdict.text);
    html += list(lines);
  }
  html += heading("Runs") + table(run_rows(runs, comparison));
  if (!comparison.changes.empty()) html += heading("What differs");
  for (const GroupChange& change : comparison.changes)
    html += fmt::format("<p>{}</p>\n", markup_escaped(comparison.groups[change.group].label)) +
            list(change_lines(change));
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    std::string line = divergence_line(*runs[i], comparison.runs[i], options);
    if (!line.empty()) lines.push_back(std::move(line));
  }
  if (!lines.empty()) {
    lines.push_back(band_text());
    html += heading("Where the curves part") + list(lines);
  }
  if (!comparison.notes.empty()) html += heading("Notes") + list(comparison.notes);
  html += heading("Commands") + "<pre>" + markup_escaped(command) + "\n";
  const auto names = folder_names(runs);
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const std::string repeat = repeat_command(*runs[i], names[i]);
    if (!repeat.empty()) html += markup_escaped(repeat) + "\n";
  }
  html += "</pre>\n" + heading("Configurations");
  const std::size_t used = html.size() + 1024;
  html += configurations(runs, used < kMostPageBytes ? kMostPageBytes - used : 0);
  return html + "</body></html>\n";
}

}  // namespace engine
