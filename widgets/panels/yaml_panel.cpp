// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/yaml_panel.h"

#include "engine/config/text_places.h"
#include "widgets/models/selection.h"
#include "widgets/models/transform_document.h"
#include "widgets/panels/empty_state.h"
#include "widgets/style/metrics.h"
#include "widgets/style/theme.h"
#include "widgets/text/yaml_edit.h"

#include <QAction>
#include <QLabel>
#include <QTextBlock>
#include <QVBoxLayout>

namespace widgets {
namespace {

constexpr int kTypingPauseMs = 1500;

/// From a problem's place to the end of the word there, or of what is quoted.
std::size_t word_end(const std::string& text, std::size_t begin) {
  if (begin >= text.size()) return begin;
  const bool is_quoted = text[begin] == '\'' || text[begin] == '"';
  const std::string ends = is_quoted ? std::string("\r\n") + text[begin] : " ,}]\r\n";
  const std::size_t end = text.find_first_of(ends, begin + 1);
  if (end == std::string::npos) return text.size();
  return is_quoted && text[end] == text[begin] ? end + 1 : end;
}

}  // namespace

YamlPanel::YamlPanel(TransformDocument* document, Selection* selection, QWidget* parent)
    : QWidget(parent),
      document_(document),
      selection_(selection),
      view_(std::make_shared<PlanView>()),
      edit_(new YamlEdit),
      state_(new QLabel) {
  auto* content = new QWidget;
  auto* column = new QVBoxLayout(content);
  column->setContentsMargins(0, 0, 0, 0);
  column->setSpacing(0);
  edit_->setObjectName(QStringLiteral("yaml.edit"));
  edit_->setAccessibleName(tr("Text of the transform file"));
  column->addWidget(edit_, 1);
  state_->setObjectName(QStringLiteral("yaml.state"));
  state_->setContentsMargins(lines(this, 0.4), lines(this, 0.15), 0, lines(this, 0.25));
  state_->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Preferred);
  column->addWidget(state_);

  empty_ = new EmptyState(content, tr("No transform file is open."));
  connect(empty_->addButton(tr("&New transform"), QStringLiteral("config")), &QAction::triggered,
          this, &YamlPanel::newRequested);
  connect(empty_->addButton(tr("Open a &transform file…"), QStringLiteral("open")),
          &QAction::triggered, this, &YamlPanel::openRequested);
  auto* outer = new QVBoxLayout(this);
  outer->setContentsMargins(0, 0, 0, 0);
  outer->addWidget(empty_);

  pause_.setSingleShot(true);
  pause_.setInterval(kTypingPauseMs);
  connect(&pause_, &QTimer::timeout, document_, &TransformDocument::endMerge);
  connect(edit_, &YamlEdit::edited, this, [this](const engine::TextEdit& edit) {
    const bool new_line = edit.patches.front().text.find('\n') != std::string::npos;
    if (new_line) document_->endMerge();
    document_->apply(edit, QStringLiteral("typing"));
    pause_.start();
  });
  connect(edit_, &YamlEdit::lineChosen, this, [this](int line) {
    if (view_->transform == nullptr || view_->is_stale) return;
    const int rules = static_cast<int>(view_->transform->config.rules.size());
    for (int rule = 0; rule < rules; ++rule) {
      const auto [first, last] = linesOf(rule);
      if (first <= line && line <= last) selection_->setRules({rule});
    }
  });
  connect(document_, &TransformDocument::textChanged, this, &YamlPanel::showText);
  connect(document_, &TransformDocument::fileChanged, this, &YamlPanel::showText);
  connect(selection_, &Selection::rulesChanged, this, &YamlPanel::showRule);
  showText();
}

QString YamlPanel::stateText() const { return state_->text(); }

void YamlPanel::setView(PlanViewPtr view) {
  view_ = std::move(view);
  showView();
}

void YamlPanel::showText() {
  empty_->setEmpty(!document_->isOpen());
  edit_->setBytes(document_->text());
  edit_->setStale(true);  // until the plan of this text comes
}

std::pair<int, int> YamlPanel::linesOf(int rule) const {
  const auto* written = view_->rule(rule);
  if (written == nullptr || written->place.line <= 0) return {0, 0};
  int last = edit_->blockCount();
  for (const auto& other : view_->transform->config.rules) {
    if (other.place.line > written->place.line) last = std::min(last, other.place.line - 1);
  }
  const auto is_part_of_it = [this](int line) {
    const QString text = edit_->document()->findBlockByNumber(line - 1).text().trimmed();
    return !text.isEmpty() && !text.startsWith(QLatin1Char('#'));
  };
  while (last > written->place.line && !is_part_of_it(last)) --last;
  return {written->place.line, last};
}

void YamlPanel::showView() {
  edit_->setStale(view_->is_stale);
  std::vector<YamlEdit::Remark> remarks;
  if (view_->has_plan() && !view_->is_stale) {
    const auto& rules = view_->transform->config.rules;
    for (std::size_t i = 0; i < rules.size(); ++i) {
      const auto& counts = view_->plan.counts[i];
      if (rules[i].place.line <= 0) continue;
      YamlEdit::Remark remark;
      remark.line = rules[i].place.line;
      const bool is_default = rules[i].is_default();
      remark.text = is_default ? QString::number(counts.won)
                               : QStringLiteral("%1/%2").arg(counts.won).arg(counts.matched);
      remark.tool_tip =
          is_default
              ? tr("%n layers fall through to it", "", counts.won)
              : tr("wins %1 of the %2 layers that it matches").arg(counts.won).arg(counts.matched);
      remark.is_alarming = counts.won == 0 && !is_default;
      remarks.push_back(std::move(remark));
    }
  }
  edit_->setRemarks(std::move(remarks));

  std::vector<YamlEdit::Mark> marks;
  const engine::TextPlaces places(document_->text());
  for (const auto& problem : view_->problems) {
    if (problem.place.line <= 0 || problem.severity == engine::Severity::note) continue;
    YamlEdit::Mark mark;
    mark.begin = places.offset(problem.place.line, problem.place.column);
    mark.end = word_end(document_->text(), mark.begin);
    mark.is_error = problem.severity == engine::Severity::error;
    mark.tool_tip = QString::fromStdString(engine::to_string(problem));
    marks.push_back(std::move(mark));
  }
  edit_->setMarks(std::move(marks));

  QPalette colors = palette();
  const engine::Problem* worst = nullptr;
  for (const auto& problem : view_->problems) {
    if (problem.severity == engine::Severity::error && worst == nullptr) worst = &problem;
  }
  if (view_->is_stale && worst != nullptr) {
    state_->setText(tr("Line %1:%2: %3. The other views show the last text that could be read.")
                        .arg(worst->place.line)
                        .arg(worst->place.column)
                        .arg(QString::fromStdString(worst->message)));
    colors.setColor(QPalette::WindowText, theme_colors(palette()).error);
  } else {
    state_->setText(tr("Ctrl+click selects a rule · beside each: won / matched"));
    colors.setColor(QPalette::WindowText, muted_text(palette()));
  }
  state_->setToolTip(state_->text());
  state_->setPalette(colors);
  showRule();
}

void YamlPanel::showRule() {
  const auto& rules = selection_->rules();
  if (rules.size() != 1 || view_->is_stale) {
    edit_->setChosenLines(0, 0);
    return;
  }
  const auto [first, last] = linesOf(rules.front());
  edit_->setChosenLines(first, last);
  if (first > 0 && !edit_->hasFocus()) {
    QTextCursor cursor(edit_->document()->findBlockByNumber(first - 1));
    edit_->setTextCursor(cursor);
    edit_->ensureCursorVisible();
  }
}

void YamlPanel::reveal(const engine::Place& place) {
  if (place.line <= 0) return;
  edit_->showByte(engine::TextPlaces(document_->text()).offset(place.line, place.column));
}

}  // namespace widgets
