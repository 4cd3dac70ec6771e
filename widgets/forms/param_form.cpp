// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/forms/param_form.h"

#include "widgets/forms/param_editor.h"
#include "widgets/style/metrics.h"
#include "widgets/style/symbol_icon.h"
#include "widgets/style/theme.h"

#include <QEvent>
#include <QGridLayout>
#include <QLabel>
#include <QLineEdit>
#include <QScrollArea>
#include <QStyle>
#include <QToolButton>
#include <QVBoxLayout>

#include <algorithm>

namespace widgets {

struct ParamForm::Field {
  const engine::ParamSpec* spec = nullptr;
  Group* group = nullptr;
  QLabel* label = nullptr;
  ParamEditor* editor = nullptr;
  QToolButton* reset = nullptr;
  QLabel* problem = nullptr;
  QLabel* note = nullptr;
  bool matches = true;
  /// What showValue() showed last: nothing yet, or a value, or several.
  std::optional<std::optional<engine::ParamValue>> shown;
};

struct ParamForm::Group {
  QString name;
  QToolButton* header = nullptr;
  QWidget* body = nullptr;
  QGridLayout* grid = nullptr;
  bool is_open = true;

  void setOpen(bool open) {
    is_open = open;
    header->setArrowType(open ? Qt::DownArrow : Qt::RightArrow);
    body->setVisible(open);
  }
};

ParamForm::ParamForm(engine::ParamSchema schema, QWidget* parent)
    : QWidget(parent),
      schema_(std::move(schema)),
      search_(new QLineEdit(this)),
      scroll_(new QScrollArea(this)) {
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(0, 0, 0, 0);
  search_->setObjectName(QStringLiteral("param_form.search"));
  search_->setPlaceholderText(tr("Search settings"));
  search_->setAccessibleName(tr("Search settings"));
  search_->setToolTip(tr("Shows the settings whose name or help holds this text"));
  search_->setClearButtonEnabled(true);
  search_->addAction(symbol_icon(QStringLiteral("search")), QLineEdit::LeadingPosition);
  connect(search_, &QLineEdit::textChanged, this, &ParamForm::filter);
  column->addWidget(search_);

  auto* content = new QWidget(scroll_);
  auto* stack = new QVBoxLayout(content);
  stack->setContentsMargins(0, 0, lines(this, 0.4), 0);
  stack->setSpacing(lines(this, 0.2));
  QFont widest = font();
  widest.setBold(true);
  int label_width = 0;
  for (const auto& spec : schema_.specs()) {
    if (!spec.refused_because.empty()) continue;
    label_width = std::max(
        label_width, QFontMetrics(widest).horizontalAdvance(QString::fromStdString(spec.name)));
  }
  for (const auto& spec : schema_.specs()) {
    const QString name = QString::fromStdString(spec.group_name);
    Group* group = nullptr;
    for (const auto& one : groups_) {
      if (one->name == name) group = one.get();
    }
    if (group == nullptr) {
      groups_.push_back(std::make_unique<Group>());
      group = groups_.back().get();
      group->name = name;
      group->header = new QToolButton(content);
      group->header->setText(name.isEmpty() ? tr("General") : name);
      group->header->setAutoRaise(true);
      group->header->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
      group->header->setArrowType(Qt::DownArrow);
      group->header->setAccessibleName(tr("Group %1").arg(group->header->text()));
      group->header->setToolTip(tr("Show or fold these settings"));
      QFont bold = font();
      bold.setBold(true);
      group->header->setFont(bold);
      group->body = new QWidget(content);
      group->grid = new QGridLayout(group->body);
      group->grid->setContentsMargins(lines(this, 0.9), 0, 0, lines(this, 0.4));
      group->grid->setHorizontalSpacing(lines(this, 0.5));
      group->grid->setVerticalSpacing(lines(this, 0.2));
      group->grid->setColumnStretch(1, 1);
      connect(group->header, &QToolButton::clicked, this,
              [group] { group->setOpen(!group->is_open); });
      stack->addWidget(group->header);
      stack->addWidget(group->body);
    }

    fields_.push_back(std::make_unique<Field>());
    Field& field = *fields_.back();
    field.spec = &spec;
    field.group = group;
    field.label = new QLabel(QString::fromStdString(spec.name), group->body);
    field.label->setToolTip(param_tool_tip(spec));
    field.label->setMinimumWidth(label_width);
    field.editor = ParamEditor::create(spec, group->body);
    field.editor->setEnabled(spec.refused_because.empty());
    field.label->setBuddy(field.editor);
    field.reset = new QToolButton(group->body);
    field.reset->setIcon(symbol_icon(QStringLiteral("reload")));
    field.reset->setAutoRaise(true);
    field.reset->setToolTip(
        tr("Back to the default: %1")
            .arg(QString::fromStdString(engine::to_string(spec.default_value))));
    field.reset->setAccessibleName(tr("Reset %1").arg(QString::fromStdString(spec.name)));
    QSizePolicy keeps_place = field.reset->sizePolicy();
    keeps_place.setRetainSizeWhenHidden(true);
    field.reset->setSizePolicy(keeps_place);
    field.problem = new QLabel(group->body);
    field.problem->setWordWrap(true);
    field.problem->setObjectName(QStringLiteral("problem.") + QString::fromStdString(spec.name));
    field.problem->hide();
    field.note = new QLabel(group->body);
    field.note->setWordWrap(true);
    field.note->setObjectName(QStringLiteral("note.") + QString::fromStdString(spec.name));
    field.note->setTextInteractionFlags(Qt::LinksAccessibleByMouse | Qt::LinksAccessibleByKeyboard);
    connect(field.note, &QLabel::linkActivated, this,
            [this, name = QString::fromStdString(spec.name)](const QString& link) {
              Q_EMIT noteLinkActivated(name, link);
            });
    field.note->hide();
    const int row = group->grid->rowCount();
    group->grid->addWidget(field.label, row, 0, Qt::AlignVCenter);
    group->grid->addWidget(field.editor, row, 1);
    group->grid->addWidget(field.reset, row, 2);
    group->grid->addWidget(field.note, row + 1, 1, 1, 2);
    group->grid->addWidget(field.problem, row + 2, 0, 1, 3);
    connect(field.editor, &ParamEditor::edited, this, [this, &field] {
      fieldEdited(field);
      Q_EMIT edited(QString::fromStdString(field.spec->name));
    });
    connect(field.reset, &QToolButton::clicked, this, [this, &field] {
      field.editor->setValue(field.spec->default_value);
      fieldEdited(field);
      Q_EMIT wasReset(QString::fromStdString(field.spec->name));
    });
    field.editor->setValue(spec.default_value);
    refreshMark(field);
  }
  stack->addStretch();
  scroll_->setWidget(content);
  scroll_->setMinimumWidth(content->minimumSizeHint().width() +
                           style()->pixelMetric(QStyle::PM_ScrollBarExtent));
  scroll_->setWidgetResizable(true);
  scroll_->setFrameShape(QFrame::NoFrame);
  scroll_->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  scroll_->setFocusPolicy(Qt::NoFocus);
  column->addWidget(scroll_, 1);
  filter(QString());
  applyTheme();
}

ParamForm::~ParamForm() = default;

ParamForm::Field* ParamForm::field(const std::string& name) const {
  for (const auto& one : fields_) {
    if (one->spec->name == name) return one.get();
  }
  return nullptr;
}

engine::ParamValues ParamForm::values() const {
  engine::ParamValues values;
  for (const auto& one : fields_) {
    std::vector<engine::Problem> problems;
    auto value = one->editor->value(problems);
    if (!problems.empty() || value == one->spec->default_value) continue;
    engine::Place place;
    place.file = "--" + one->spec->name;
    values.set(one->spec->name, std::move(value), std::move(place));
  }
  return values;
}

std::vector<engine::Problem> ParamForm::textProblems() const {
  std::vector<engine::Problem> problems;
  for (const auto& one : fields_) one->editor->value(problems);
  return problems;
}

std::vector<engine::Problem> ParamForm::schemaProblems() const {
  std::vector<engine::Problem> problems = textProblems();
  for (auto& problem : engine::problems_in(schema_, values())) {
    problems.push_back(std::move(problem));
  }
  return problems;
}

void ParamForm::setValues(const engine::ParamValues& values) {
  for (const auto& one : fields_) {
    const auto* given = values.find(one->spec->name);
    one->editor->setValue(given != nullptr ? given->value : one->spec->default_value);
    refreshMark(*one);
  }
  showProblems({});
  Q_EMIT changed();
}

void ParamForm::setValue(const std::string& name, const engine::ParamValue& value) {
  Field* found = field(name);
  if (found == nullptr) return;
  found->editor->setValue(value);
  fieldEdited(*found);
}

void ParamForm::showValue(const std::string& name, const std::optional<engine::ParamValue>& value) {
  Field* found = field(name);
  if (found == nullptr || (found->shown.has_value() && *found->shown == value)) return;
  found->shown = value;
  if (!value) {
    found->editor->setMixed();
  } else {
    std::vector<engine::Problem> problems;
    const auto now = found->editor->value(problems);
    if (!problems.empty() || now != *value) found->editor->setValue(*value);
  }
  checkField(*found);
}

void ParamForm::forgetShown() {
  for (const auto& one : fields_) one->shown.reset();
}

void ParamForm::setNote(const std::string& name, const QString& note) {
  Field* found = field(name);
  if (found == nullptr || found->note->text() == note) return;
  found->note->setText(note);
  found->note->setVisible(found->matches && !note.isEmpty());
}

QString ParamForm::noteText(const std::string& name) const {
  Field* found = field(name);
  return found == nullptr ? QString() : found->note->text();
}

std::vector<engine::Problem> ParamForm::showProblems(const std::vector<engine::Problem>& problems) {
  std::vector<engine::Problem> homeless;
  for (const auto& one : fields_) {
    one->problem->clear();
    one->problem->hide();
  }
  for (const auto& problem : problems) {
    std::string name = problem.place.file;
    if (name.rfind("--", 0) == 0) name.erase(0, 2);
    Field* found = field(name);
    if (found == nullptr) {
      homeless.push_back(problem);
      continue;
    }
    QString text = QString::fromStdString(problem.message);
    if (!problem.remedy.empty()) {
      text += QStringLiteral(". ") + QString::fromStdString(problem.remedy);
    }
    const QString before = found->problem->text();
    found->problem->setText(before.isEmpty() ? text : before + QLatin1Char('\n') + text);
    found->problem->show();
    found->group->setOpen(true);
  }
  return homeless;
}

void ParamForm::foldGroups(const QStringList& groups) {
  for (const auto& group : groups_) group->setOpen(!groups.contains(group->name));
}

void ParamForm::reveal(const std::string& name) {
  Field* found = field(name);
  if (found == nullptr) return;
  found->group->setOpen(true);
  scroll_->ensureWidgetVisible(found->editor, 0, lines(this, 3));
  found->editor->setFocus(Qt::OtherFocusReason);
}

QWidget* ParamForm::editor(const std::string& name) const {
  Field* found = field(name);
  return found == nullptr ? nullptr : found->editor;
}

QString ParamForm::problemText(const std::string& name) const {
  Field* found = field(name);
  return found == nullptr ? QString() : found->problem->text();
}

bool ParamForm::isMarkedChanged(const std::string& name) const {
  Field* found = field(name);
  return found != nullptr && found->label->font().bold();
}

void ParamForm::fieldEdited(Field& field) {
  checkField(field);
  Q_EMIT changed();
}

void ParamForm::checkField(Field& field) {
  refreshMark(field);
  std::vector<engine::Problem> problems;
  auto value = field.editor->value(problems);
  if (problems.empty()) {
    engine::ParamValues alone;
    engine::Place place;
    place.file = "--" + field.spec->name;
    alone.set(field.spec->name, std::move(value), std::move(place));
    for (auto& problem : engine::problems_in(schema_, alone)) {
      if (problem.place.file == "--" + field.spec->name) problems.push_back(std::move(problem));
    }
  }
  QStringList texts;
  for (const auto& problem : problems) {
    QString text = QString::fromStdString(problem.message);
    if (!problem.remedy.empty()) {
      text += QStringLiteral(". ") + QString::fromStdString(problem.remedy);
    }
    texts << text;
  }
  field.problem->setText(texts.join(QLatin1Char('\n')));
  field.problem->setVisible(!texts.isEmpty());
}

void ParamForm::refreshMark(Field& field) {
  if (field.shown && !*field.shown) {
    field.label->setFont(font());
    field.reset->setVisible(true);
    return;
  }
  std::vector<engine::Problem> problems;
  const auto value = field.editor->value(problems);
  const bool is_changed = !problems.empty() || value != field.spec->default_value;
  QFont mark = font();
  mark.setBold(is_changed);
  field.label->setFont(mark);
  field.reset->setVisible(is_changed);
}

void ParamForm::filter(const QString& text) {
  const QString wanted = text.trimmed();
  for (const auto& group : groups_) {
    bool any = false;
    for (const auto& one : fields_) {
      if (one->group != group.get()) continue;
      const bool is_refused = !one->spec->refused_because.empty();
      one->matches =
          wanted.isEmpty()
              ? !is_refused
              : QString::fromStdString(one->spec->name).contains(wanted, Qt::CaseInsensitive) ||
                    QString::fromStdString(one->spec->help_text)
                        .contains(wanted, Qt::CaseInsensitive);
      one->label->setVisible(one->matches);
      one->editor->setVisible(one->matches);
      one->reset->setVisible(one->matches && one->label->font().bold());
      one->problem->setVisible(one->matches && !one->problem->text().isEmpty());
      one->note->setVisible(one->matches && !one->note->text().isEmpty());
      any = any || one->matches;
    }
    group->header->setVisible(any);
    group->body->setVisible(any && (group->is_open || !wanted.isEmpty()));
  }
}

void ParamForm::applyTheme() {
  for (const auto& one : fields_) {
    QPalette colors = palette();
    colors.setColor(QPalette::WindowText, theme_colors(palette()).error);
    one->problem->setPalette(colors);
    colors.setColor(QPalette::WindowText, muted_text(palette()));
    one->note->setPalette(colors);
  }
}

void ParamForm::changeEvent(QEvent* event) {
  QWidget::changeEvent(event);
  if (event->type() == QEvent::PaletteChange) applyTheme();
}

}  // namespace widgets
