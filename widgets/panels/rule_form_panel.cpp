// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/rule_form_panel.h"

#include "engine/scripted/scripted_file.h"
#include "widgets/forms/param_editor.h"
#include "widgets/forms/param_form.h"
#include "widgets/models/rule_editor.h"
#include "widgets/models/selection.h"
#include "widgets/models/transform_document.h"
#include "widgets/panels/empty_state.h"
#include "widgets/style/metrics.h"
#include "widgets/style/number_text.h"
#include "widgets/style/theme.h"
#include "widgets/text/pattern_edit.h"

#include <QAbstractSpinBox>
#include <QCheckBox>
#include <QComboBox>
#include <QGridLayout>
#include <QHBoxLayout>
#include <QLabel>
#include <QRegularExpression>
#include <QSignalBlocker>
#include <QStackedWidget>
#include <QVBoxLayout>

#include <algorithm>
#include <cmath>

namespace widgets {
namespace {

QString power_text(int negative_exponent) {
  static const QString digits = QStringLiteral("⁰¹²³⁴⁵⁶⁷⁸⁹");
  QString text = QStringLiteral("2⁻");
  for (const QChar digit : QString::number(negative_exponent)) text += digits[digit.digitValue()];
  return text;
}

/// 2⁻¹⁷ for a power of two below one, else nothing.
QString power_text(double value) {
  if (!(value > 0) || value >= 1) return {};
  const double exponent = std::log2(value);
  return exponent == std::floor(exponent) ? power_text(static_cast<int>(-exponent)) : QString();
}

/// The same with "2^-17" as 2⁻¹⁷.
QString with_powers(QString text) {
  static const QRegularExpression plain(QStringLiteral("2\\^-([0-9]+)"));
  for (auto found = plain.match(text); found.hasMatch(); found = plain.match(text)) {
    text.replace(found.capturedStart(), found.capturedLength(),
                 power_text(found.captured(1).toInt()));
  }
  return text;
}

QString effective_text(const engine::ParamValue& value) {
  const QString plain = QString::fromStdString(engine::to_string(value));
  const auto* number = std::get_if<double>(&value);
  const QString power = number != nullptr ? power_text(*number) : QString();
  return power.isEmpty() ? plain : QStringLiteral("%1 = %2").arg(power, plain);
}

constexpr const char* kForAll = "all";
constexpr const char* kHere = "here";

void mute(QLabel* label, const QPalette& palette) {
  QPalette colors = palette;
  colors.setColor(QPalette::WindowText, muted_text(palette));
  label->setPalette(colors);
}

}  // namespace

RuleFormPanel::RuleFormPanel(Selection* selection, RuleEditor* editor, QWidget* parent)
    : QWidget(parent),
      selection_(selection),
      editor_(editor),
      infos_(engine::paradigm_infos()),
      view_(std::make_shared<PlanView>()),
      title_(new QLabel),
      counts_(new QLabel),
      pattern_(new PatternEdit),
      paradigm_(new QComboBox),
      source_(new QLabel),
      leave_alone_(new QCheckBox(tr("&Leave these layers alone"))),
      explanation_(new QLabel),
      forms_(new QStackedWidget) {
  auto* content = new QWidget;
  auto* column = new QVBoxLayout(content);
  const int pad = lines(this, 0.4);
  column->setContentsMargins(pad, pad, pad, 0);
  column->setSpacing(lines(this, 0.3));
  auto* head = new QGridLayout;
  head->setHorizontalSpacing(lines(this, 0.5));
  head->setVerticalSpacing(lines(this, 0.25));
  head->setColumnStretch(1, 1);
  QFont bold = font();
  bold.setBold(true);
  title_->setFont(bold);
  title_->setObjectName(QStringLiteral("form.title"));
  counts_->setObjectName(QStringLiteral("form.counts"));
  counts_->setAlignment(Qt::AlignRight | Qt::AlignVCenter);
  head->addWidget(title_, 0, 0);
  head->addWidget(counts_, 0, 1);
  pattern_->setObjectName(QStringLiteral("form.pattern"));
  pattern_->setAccessibleName(tr("Pattern"));
  head->addWidget(pattern_, 1, 0, 1, 2);
  auto* paradigm_label = new QLabel(tr("&Paradigm"));
  paradigm_label->setBuddy(paradigm_);
  paradigm_->setObjectName(QStringLiteral("form.paradigm"));
  paradigm_->setAccessibleName(tr("Paradigm"));
  paradigm_->setToolTip(tr("The simulated hardware that runs the layers of this rule"));
  auto* row = new QHBoxLayout;
  row->setSpacing(lines(this, 0.5));
  row->addWidget(paradigm_, 1);
  row->addWidget(source_);
  head->addWidget(paradigm_label, 2, 0);
  head->addLayout(row, 2, 1);
  leave_alone_->setObjectName(QStringLiteral("form.leave_alone"));
  leave_alone_->setAccessibleName(tr("Leave these layers alone"));
  leave_alone_->setToolTip(tr("null in the file: the layers stay as they are"));
  head->addWidget(leave_alone_, 3, 0, 1, 2);
  column->addLayout(head);
  explanation_->setWordWrap(true);
  explanation_->setAlignment(Qt::AlignTop | Qt::AlignLeft);
  forms_->addWidget(explanation_);
  column->addWidget(forms_, 1);

  empty_ = new EmptyState(content, tr("Select a rule to see and edit its values."));
  auto* outer = new QVBoxLayout(this);
  outer->setContentsMargins(0, 0, 0, 0);
  outer->addWidget(empty_);

  connect(pattern_, &PatternEdit::patternEdited, this, [this](const QString& pattern) {
    if (!following_ && shown_rules_.size() == 1) editor_->setPattern(shown_rules_[0], pattern);
  });
  connect(pattern_, &PatternEdit::accepted, this, &RuleFormPanel::ruleAccepted);
  connect(paradigm_, &QComboBox::activated, this, [this] {
    const auto* chosen = info(paradigm_->currentData().toString().toStdString());
    if (chosen != nullptr) editor_->setParadigm(shown_rules_, *chosen);
  });
  connect(leave_alone_, &QCheckBox::clicked, this, [this](bool leave) {
    leave_alone_->setTristate(false);
    editor_->setLeaveAlone(shown_rules_, leave);
  });
  connect(selection_, &Selection::rulesChanged, this, [this] {
    editor_->document()->endMerge();
    showRules();
  });
}

RuleFormPanel::~RuleFormPanel() = default;

ParamForm* RuleFormPanel::form() const { return qobject_cast<ParamForm*>(forms_->currentWidget()); }

const engine::ParadigmInfo* RuleFormPanel::info(const std::string& id) const {
  if (view_->transform != nullptr) {
    for (const auto& file : view_->transform->config.scripted) {
      if (file->info.id == id) return &file->info;
    }
  }
  return engine::find_paradigm(infos_, id);
}

std::vector<const engine::TransformRule*> RuleFormPanel::rules() const {
  std::vector<const engine::TransformRule*> found;
  for (const int index : selection_->rules()) {
    if (const auto* rule = view_->rule(index)) found.push_back(rule);
  }
  return found;
}

void RuleFormPanel::setView(PlanViewPtr view) {
  view_ = std::move(view);
  showRules();
}

void RuleFormPanel::focusFirstField() {
  if (auto* now = form()) {
    for (const auto& spec : now->schema().specs()) {
      auto* field = now->editor(spec.name);
      if (field == nullptr || !field->isVisible()) continue;
      now->reveal(spec.name);
      if (auto* number = field->findChild<QAbstractSpinBox*>()) number->selectAll();
      return;
    }
  } else {
    paradigm_->setFocus(Qt::OtherFocusReason);
  }
}

void RuleFormPanel::showRules() {
  const auto chosen = rules();
  empty_->setEmpty(chosen.empty());
  if (chosen.empty()) {
    shown_rules_.clear();
    empty_->setSentence(view_->transform == nullptr
                            ? tr("Values appear as soon as a transform file is open.")
                            : tr("Select a rule to see and edit its values."));
    return;
  }
  following_ = true;
  const bool others = shown_rules_ != selection_->rules();
  shown_rules_ = selection_->rules();
  if (others) {
    for (const auto& [id, form] : form_of_) form->forgetShown();
    for_all_.clear();
    pattern_->document()->setModified(false);
  }
  setEnabled(!view_->is_stale && editor_->canEdit());
  showHead(chosen);

  std::string id = chosen.front()->paradigm;
  bool all_left_alone = true;
  bool one_paradigm = true;
  for (const auto* rule : chosen) {
    all_left_alone = all_left_alone && rule->leave_alone;
    one_paradigm = one_paradigm && rule->paradigm == id;
  }
  const engine::ParadigmInfo* schema = one_paradigm ? info(id) : nullptr;
  showParadigms(one_paradigm ? id : std::string());
  if (schema != nullptr) {
    forms_->setCurrentWidget(formOf(*schema));
    showValues(chosen, *schema);
    showProblems(chosen);
  } else {
    forms_->setCurrentIndex(0);
    explanation_->setText(
        all_left_alone ? tr("Its layers stay as they are. Choose a paradigm to transform them.")
        : one_paradigm ? tr("The keys of this rule do not tell which paradigm is meant; choose "
                            "one, or edit the text.")
                       : tr("These rules are of different paradigms. Choose one for all of them, "
                            "or select rules that share one."));
  }
  mute(explanation_, palette());
  mute(counts_, palette());
  mute(source_, palette());
  following_ = false;
}

void RuleFormPanel::showHead(const std::vector<const engine::TransformRule*>& rules) {
  const bool single = rules.size() == 1;
  const bool is_default = single && rules.front()->is_default();
  title_->setText(is_default ? tr("Fallback rule")
                  : single   ? tr("Rule %1").arg(rule_label(*view_, shown_rules_.front()))
                             : tr("%n rules", "", static_cast<int>(rules.size())));
  int matched = 0;
  int won = 0;
  for (const int index : shown_rules_) {
    if (!view_->has_plan()) break;
    matched += view_->plan.counts[static_cast<std::size_t>(index)].matched;
    won += view_->plan.counts[static_cast<std::size_t>(index)].won;
  }
  counts_->setText(!view_->has_plan() ? QString()
                   : is_default       ? tr("%1 layers fall through to it").arg(won)
                                      : tr("wins %1 of %2 matched").arg(won).arg(matched));
  pattern_->setVisible(single && !is_default);
  if (single) {
    pattern_->setUseRegex(view_->transform->config.use_regex);
    // While it has the focus, what is typed there is what the document says, or was refused.
    if (!pattern_->hasFocus() || !pattern_->document()->isModified()) {
      pattern_->setPattern(QString::fromStdString(rules.front()->pattern));
    }
  }
  const auto left =
      std::count_if(rules.begin(), rules.end(), [](const auto* rule) { return rule->leave_alone; });
  const bool mixed = left > 0 && left < static_cast<std::ptrdiff_t>(rules.size());
  leave_alone_->setTristate(mixed);
  leave_alone_->setCheckState(mixed      ? Qt::PartiallyChecked
                              : left > 0 ? Qt::Checked
                                         : Qt::Unchecked);
}

void RuleFormPanel::showParadigms(const std::string& chosen) {
  const QSignalBlocker quiet(paradigm_);
  paradigm_->clear();
  const auto add = [this](const engine::ParadigmInfo& one) {
    paradigm_->addItem(QString::fromStdString(one.title.empty() ? one.id : one.title),
                       QString::fromStdString(one.id));
    paradigm_->setItemData(paradigm_->count() - 1, QString::fromStdString(one.summary),
                           Qt::ToolTipRole);
  };
  for (const auto& one : infos_) add(one);
  for (const auto& file : view_->transform->config.scripted) add(file->info);
  paradigm_->setPlaceholderText(tr("choose one"));
  paradigm_->setCurrentIndex(paradigm_->findData(QString::fromStdString(chosen)));
  source_->clear();
  if (shown_rules_.size() == 1 && !chosen.empty()) {
    switch (view_->rule(shown_rules_.front())->paradigm_source) {
      case engine::ParadigmSource::rule:
        source_->setText(tr("named in this rule"));
        break;
      case engine::ParadigmSource::file:
        source_->setText(tr("named for the file"));
        break;
      case engine::ParadigmSource::inferred:
        source_->setText(tr("told by the keys"));
        break;
    }
  }
}

ParamForm* RuleFormPanel::formOf(const engine::ParadigmInfo& info) {
  ParamForm*& form = form_of_[info.id + info.digest];
  if (form != nullptr) return form;
  form = new ParamForm(info.schema);
  form->setObjectName(QStringLiteral("form.values"));
  forms_->addWidget(form);
  connect(form, &ParamForm::edited, this,
          [this](const QString& name) { write(name.toStdString()); });
  connect(form, &ParamForm::wasReset, this, [this](const QString& name) {
    const std::string key = name.toStdString();
    if (!following_) editor_->unsetValue(shown_rules_, key, sharingOf(key));
  });
  connect(form, &ParamForm::noteLinkActivated, this,
          [this](const QString& name, const QString& link) {
            editor_->document()->endMerge();
            if (link == QLatin1String(kForAll)) {
              for_all_.insert(name.toStdString());
            } else {
              for_all_.erase(name.toStdString());
            }
            showRules();
          });
  return form;
}

void RuleFormPanel::write(const std::string& key) {
  if (following_) return;
  auto* editor = static_cast<ParamEditor*>(form()->editor(key));
  std::vector<engine::Problem> problems;
  const engine::ParamValue value = editor->value(problems);
  if (problems.empty()) editor_->setValue(shown_rules_, key, value, sharingOf(key));
}

engine::SharedValue RuleFormPanel::sharingOf(const std::string& key) const {
  return for_all_.count(key) > 0 ? engine::SharedValue::change_for_all
                                 : engine::SharedValue::override_here;
}

engine::ReadingScale RuleFormPanel::scale() const {
  engine::ReadingScale scale;
  if (!view_->has_plan()) return scale;
  const std::string& dtype = view_->checkpoint->config.torch_dtype;
  scale.format = dtype.find("bfloat16") != std::string::npos  ? "bf16"
                 : dtype.find("float16") != std::string::npos ? "fp16"
                                                              : "fp32";
  for (const auto& one : view_->plan.assignments) {
    if (one.outcome != engine::Outcome::transformed || !shown_rules_.contains(one.rule)) continue;
    const auto* layer = view_->checkpoint->inventory.find(one.layer);
    if (layer == nullptr || layer->kind != engine::LayerKind::linear) continue;
    scale.weights += static_cast<double>(layer->shape[0]) * static_cast<double>(layer->shape[1]);
    scale.inputs_per_token += static_cast<double>(layer->shape[1]);
    const std::string own = one.values.contains("storage_dtype")
                                ? engine::to_string(one.values.get("storage_dtype"))
                                : std::string();
    if (own == "fp32" || own == "bf16" || own == "fp16") scale.format = own;
  }
  return scale;
}

QString RuleFormPanel::originNote(const std::string& key) const {
  if (shown_rules_.size() != 1) return {};
  const auto origin = editor_->originOf(shown_rules_.front(), key);
  if (!origin.is_written || origin.users.empty()) return {};
  const auto others = static_cast<int>(origin.users.size());
  QString text = origin.anchor.empty()
                     ? tr("shared with %n other rules", "", others)
                     : tr("from &amp;%1, shared with %n other rules", "", others)
                           .arg(QString::fromStdString(origin.anchor).toHtmlEscaped());
  const auto link = [](const char* target, const QString& words) {
    return QStringLiteral("<a href=\"%1\">%2</a>").arg(QLatin1String(target), words);
  };
  text += sharingOf(key) == engine::SharedValue::change_for_all
              ? tr("; an edit changes all of them · %1").arg(link(kHere, tr("override here")))
              : tr("; an edit changes only this rule · %1")
                    .arg(link(kForAll, tr("change for all %1").arg(others + 1)));
  return text;
}

QString RuleFormPanel::note(const engine::ParamSpec& spec, const engine::ParamValue& value,
                            const engine::ReadingScale& scale) const {
  QStringList parts;
  const engine::ParamValue effective = engine::effective_value(spec, value);
  if (effective != value) parts << tr("→ %1 takes effect").arg(effective_text(effective));
  const QString reading =
      with_powers(QString::fromStdString(engine::reading_text(spec, effective, scale)));
  if (!reading.isEmpty()) parts << reading;
  const QString origin = originNote(spec.name);
  if (!origin.isEmpty()) {
    for (QString& part : parts) part = part.toHtmlEscaped();
    parts << origin;
  }
  return parts.join(QStringLiteral(" · "));
}

void RuleFormPanel::showValues(const std::vector<const engine::TransformRule*>& rules,
                               const engine::ParadigmInfo& info) {
  ParamForm* form = formOf(info);
  const engine::ReadingScale size = scale();
  for (const auto& spec : info.schema.specs()) {
    const auto value_of = [&spec](const engine::TransformRule& rule) {
      const auto* given = rule.values.find(spec.name);
      return given != nullptr ? given->value : spec.default_value;
    };
    const engine::ParamValue first = value_of(*rules.front());
    const bool same = std::all_of(rules.begin(), rules.end(),
                                  [&](const auto* rule) { return value_of(*rule) == first; });
    form->showValue(spec.name, same ? std::optional(first) : std::nullopt);
    form->setNote(spec.name, same ? note(spec, first, size) : QString());
  }
}

void RuleFormPanel::showProblems(const std::vector<const engine::TransformRule*>& rules) {
  std::vector<engine::Problem> found;
  for (const auto& problem : view_->problems) {
    if (problem.severity == engine::Severity::note) continue;
    for (const auto* rule : rules) {
      for (const auto& entry : rule->values.entries()) {
        if (entry.place.line != problem.place.line || entry.place.column != problem.place.column) {
          continue;
        }
        engine::Problem here = problem;
        here.place.file = "--" + entry.name;
        found.push_back(std::move(here));
      }
    }
  }
  std::vector<engine::Problem> texts = form()->textProblems();
  found.insert(found.end(), texts.begin(), texts.end());
  form()->showProblems(found);
}

}  // namespace widgets
