// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/paradigm/terminal_progress.h"

#include "app/paradigm/output.h"

#include <fmt/format.h>
#include <sys/ioctl.h>

#include <algorithm>

namespace paradigm {
namespace {

constexpr std::size_t kRateWindow = 32;
constexpr int kBarWidth = 24;

std::string rate_text(double tokens_per_second) {
  if (tokens_per_second < 1000) return fmt::format("{:.0f} tokens/s", tokens_per_second);
  return fmt::format("{:.1f}k tokens/s", tokens_per_second / 1000);
}

std::string bar_text(double share) {
  const int filled = std::clamp(int(share * kBarWidth), 0, kBarWidth);
  return "[" + std::string(std::size_t(filled), '#') +
         std::string(std::size_t(kBarWidth - filled), '.') + "]";
}

std::size_t columns_of(std::FILE* stream) {
  winsize size = {};
  const bool is_known = ioctl(fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return is_known ? size.ws_col : 80;
}

}  // namespace

TerminalProgress::TerminalProgress(std::FILE* stream)
    : TerminalProgress(stream, is_terminal(stream) ? Style::bar : Style::lines) {}

TerminalProgress::TerminalProgress(std::FILE* stream, Style style)
    : stream_(stream), style_(style) {}

TerminalProgress::~TerminalProgress() { clear_bar(); }

void TerminalProgress::show(const engine::RunUpdate& update) {
  const std::lock_guard lock(mutex_);
  if (update.rewind_to || update.restarted) recent_.clear();
  for (const engine::RunEvent& event : update.events) show_event(event);
  std::fflush(stream_);
}

void TerminalProgress::show_stage(const std::string& stage, double done, double total,
                                  const std::string& remark) {
  const std::lock_guard lock(mutex_);
  const double share = total > 0 ? done / total : 0;
  const int percent = int(share * 100);
  const bool is_new = stage != stage_;
  if (!is_new && percent == stage_percent_) return;
  stage_ = stage;
  stage_percent_ = percent;
  if (style_ == Style::bar) {
    draw_bar((total > 0 ? fmt::format("{} {} {:3}%", bar_text(share), stage, percent) : stage) +
             remark);
  } else if (is_new) {
    print_line(stage + remark);
  }
  std::fflush(stream_);
}

void TerminalProgress::clear_bar() {
  const std::lock_guard lock(mutex_);
  erase_bar();
  bar_.clear();
  std::fflush(stream_);
}

void TerminalProgress::show_event(const engine::RunEvent& event) {
  using namespace engine;
  if (const auto* started = std::get_if<RunStarted>(&event.body)) {
    max_steps_ = started->max_steps;
    recent_.assign(1, {event.time, started->step});
    std::string line = "device " + started->device;
    if (!started->device_name.empty()) line += " (" + started->device_name + ")";
    line += fmt::format(", {} parameters, {} tokens a step, {} steps", started->parameters,
                        started->tokens_per_step, started->max_steps);
    print_line(line);
    if (!started->resumed_from.empty()) {
      print_line(fmt::format("resumed from {} at step {}", started->resumed_from, started->step));
    }
  } else if (const auto* applied = std::get_if<TransformApplied>(&event.body)) {
    if (applied->layers == 0) return print_line("transform: none, the model is plain");
    print_line(fmt::format("transform: {} layers by {} {}", applied->layers, applied->patterns,
                           applied->patterns == 1 ? "rule" : "rules"));
  } else if (const auto* step = std::get_if<StepLogged>(&event.body)) {
    show_step(*step, event.time);
  } else if (const auto* eval = std::get_if<Evaluated>(&event.body)) {
    print_line(
        fmt::format("eval at step {}: eval_loss {:.4f}  perplexity {:.3f}  eval_accuracy {:.4f}",
                    eval->step, eval->eval_loss, eval->perplexity, eval->eval_accuracy));
  } else if (const auto* saved = std::get_if<CheckpointSaved>(&event.body)) {
    print_line(fmt::format("saved {} ({}, {})", saved->path, size_text(double(saved->bytes)),
                           duration_text(saved->seconds)));
  } else if (const auto* message = std::get_if<RunMessage>(&event.body)) {
    print_line(message->level + ": " + message->text);
  } else if (const auto* seen = std::get_if<DivergenceSeen>(&event.body)) {
    print_line(fmt::format("divergence at step {}: {}{}", seen->step, seen->text,
                           seen->action == "mark" ? "" : " [" + seen->action + "]"));
  } else if (const auto* extended = std::get_if<RunExtended>(&event.body)) {
    max_steps_ = extended->max_steps;
  } else if (const auto* answered = std::get_if<ControlAnswered>(&event.body)) {
    print_line(answered->request + " " + answered->outcome +
               (answered->text.empty() ? "" : ": " + answered->text));
  } else if (const auto* finished = std::get_if<RunFinished>(&event.body)) {
    print_line(fmt::format("{} at step {} after {}", finished->outcome, finished->step,
                           duration_text(finished->seconds)));
  } else if (const auto* failed = std::get_if<RunFailed>(&event.body)) {
    print_line(fmt::format("failed after step {}: {}", failed->step, failed->what));
  }
}

void TerminalProgress::show_step(const engine::StepLogged& step, double time) {
  recent_.emplace_back(time, step.step);
  if (recent_.size() > kRateWindow) recent_.pop_front();
  const std::string end = expected_end();
  const std::string count =
      max_steps_ > 0 ? fmt::format("{}/{}", step.step, max_steps_) : fmt::format("{}", step.step);
  if (style_ == Style::lines) {
    return print_line(
        fmt::format("step {}  loss {:.4f}  grad_norm {:.4g}  learning_rate {:.4g}  {}{}", count,
                    step.loss, step.grad_norm, step.learning_rate,
                    rate_text(step.tokens_per_second), end.empty() ? "" : "  " + end + " left"));
  }
  const double share = max_steps_ > 0 ? double(step.step) / double(max_steps_) : 0;
  draw_bar(fmt::format("{} {}  loss {:.4f}  {}{}", bar_text(share), count, step.loss,
                       rate_text(step.tokens_per_second), end.empty() ? "" : "  " + end + " left"));
}

std::string TerminalProgress::expected_end() const {
  if (recent_.size() < 2 || max_steps_ <= 0) return "";
  const double seconds = recent_.back().first - recent_.front().first;
  const auto steps = recent_.back().second - recent_.front().second;
  if (steps <= 0 || seconds < 0) return "";
  return duration_text(seconds / double(steps) * double(max_steps_ - recent_.back().second));
}

void TerminalProgress::print_line(const std::string& line) {
  erase_bar();
  std::fputs((line + "\n").c_str(), stream_);
  if (!bar_.empty()) draw_bar(std::string(bar_));
}

void TerminalProgress::draw_bar(const std::string& text) {
  bar_ = text;
  const std::string fitting = text.substr(0, columns_of(stream_) - 1);
  std::fputs(("\r\033[K" + fitting).c_str(), stream_);
}

void TerminalProgress::erase_bar() {
  if (!bar_.empty()) std::fputs("\r\033[K", stream_);
}

}  // namespace paradigm
