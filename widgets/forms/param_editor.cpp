// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/forms/param_editor.h"

#include "widgets/forms/number_edit.h"
#include "widgets/style/metrics.h"
#include "widgets/style/symbol_icon.h"

#include <QAction>
#include <QCheckBox>
#include <QComboBox>
#include <QFileDialog>
#include <QHBoxLayout>
#include <QLabel>
#include <QLineEdit>
#include <QMenu>
#include <QSignalBlocker>
#include <QToolButton>

namespace widgets {
namespace {

QHBoxLayout* row_of(QWidget* widget) {
  auto* layout = new QHBoxLayout(widget);
  layout->setContentsMargins(0, 0, 0, 0);
  return layout;
}

QString as_text(const engine::ParamValue& value) {
  return QString::fromStdString(engine::to_string(value));
}

class BooleanEditor : public ParamEditor {
 public:
  BooleanEditor(const engine::ParamSpec& spec, QWidget* parent)
      : ParamEditor(spec, parent), box_(new QCheckBox(this)) {
    auto* row = row_of(this);
    row->addWidget(box_);
    row->addStretch();
    introduce(box_);
    connect(box_, &QCheckBox::toggled, this, &ParamEditor::edited);
  }
  engine::ParamValue value(std::vector<engine::Problem>&) const override {
    if (!box_->isChecked() && !engine::is_set(spec().default_value)) return engine::unset;
    return box_->isChecked();
  }
  void setValue(const engine::ParamValue& value) override {
    const QSignalBlocker quiet(box_);
    const bool* flag = std::get_if<bool>(&value);
    box_->setChecked(flag != nullptr && *flag);
  }

 private:
  QCheckBox* box_;
};

class ChoiceEditor : public ParamEditor {
 public:
  ChoiceEditor(const engine::ParamSpec& spec, QWidget* parent)
      : ParamEditor(spec, parent), box_(new QComboBox(this)) {
    auto* row = row_of(this);
    row->addWidget(box_, 1);
    if (spec.is_nullable) box_->addItem(tr("not set"), QString());
    for (const auto& choice : spec.choices) {
      box_->addItem(QString::fromStdString(choice), QString::fromStdString(choice));
    }
    box_->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
    introduce(box_);
    connect(box_, &QComboBox::currentIndexChanged, this, &ParamEditor::edited);
  }
  engine::ParamValue value(std::vector<engine::Problem>&) const override {
    const QString chosen = box_->currentData().toString();
    if (chosen.isEmpty()) return engine::unset;
    return chosen.toStdString();
  }
  void setValue(const engine::ParamValue& value) override {
    const QSignalBlocker quiet(box_);
    const auto* text = std::get_if<std::string>(&value);
    box_->setCurrentIndex(text == nullptr ? 0 : box_->findData(QString::fromStdString(*text)));
  }

 private:
  QComboBox* box_;
};

/// Numbers, one or a pair, with the "set" box when they may be unset.
class NumbersEditor : public ParamEditor {
 public:
  NumbersEditor(const engine::ParamSpec& spec, int count, QWidget* parent)
      : ParamEditor(spec, parent) {
    auto* row = row_of(this);
    if (spec.is_nullable) {
      set_ = new QCheckBox(tr("set"), this);
      introduce(set_, tr("set"));
      row->addWidget(set_);
      connect(set_, &QCheckBox::toggled, this, [this](bool set) {
        for (auto* number : numbers_) number->setEnabled(set);
        Q_EMIT edited();
      });
    }
    engine::ParamSpec one = spec;
    one.is_nullable = false;
    if (spec.kind == engine::ParamKind::real_pair) one.kind = engine::ParamKind::real;
    for (int i = 0; i < count; ++i) {
      auto* number = new NumberEdit(one, this);
      introduce(number, count > 1 ? (i == 0 ? tr("lower") : tr("upper")) : QString());
      row->addWidget(number, 1);
      connect(number, &NumberEdit::numberTextChanged, this, &ParamEditor::edited);
      numbers_.push_back(number);
    }
    if (!spec.unit_text.empty()) {
      row->addWidget(new QLabel(QString::fromStdString(spec.unit_text), this));
    }
  }

  engine::ParamValue value(std::vector<engine::Problem>& problems) const override {
    if (set_ != nullptr && !set_->isChecked()) return engine::unset;
    QString text = numbers_.front()->numberText();
    if (text.isEmpty() && !engine::is_set(spec().default_value) && set_ == nullptr) {
      return engine::unset;
    }
    if (numbers_.size() == 2) {
      text = QStringLiteral("[%1, %2]").arg(text, numbers_.back()->numberText());
    }
    return engine::parse_value(spec(), text.toStdString(), place(), problems);
  }

  void setValue(const engine::ParamValue& value) override {
    const bool set = engine::is_set(value);
    if (set_ != nullptr) {
      const QSignalBlocker quiet(set_);
      set_->setChecked(set);
    }
    for (auto* number : numbers_) {
      const QSignalBlocker quiet(number);
      number->setEnabled(set_ == nullptr || set);
      if (!set) number->setNumberText(QString());
    }
    if (!set) return;
    const QSignalBlocker quiet_first(numbers_.front());
    const QSignalBlocker quiet_last(numbers_.back());
    if (const auto* pair = std::get_if<engine::RealPair>(&value)) {
      numbers_.front()->setNumberText(as_text(pair->first));
      numbers_.back()->setNumberText(as_text(pair->second));
    } else {
      numbers_.front()->setNumberText(as_text(value));
    }
  }

 private:
  QCheckBox* set_ = nullptr;
  std::vector<NumberEdit*> numbers_;
};

class TextEditor : public ParamEditor {
 public:
  TextEditor(const engine::ParamSpec& spec, QWidget* parent)
      : ParamEditor(spec, parent), line_(new QLineEdit(this)) {
    auto* row = row_of(this);
    row->addWidget(line_, 1);
    if (spec.is_nullable) line_->setPlaceholderText(tr("not set"));
    introduce(line_);
    connect(line_, &QLineEdit::textChanged, this, &ParamEditor::edited);
    if (spec.kind != engine::ParamKind::path) return;
    auto* browse = new QToolButton(this);
    browse->setIcon(symbol_icon(QStringLiteral("folder")));
    browse->setAutoRaise(true);
    browse->setPopupMode(QToolButton::InstantPopup);
    introduce(browse, tr("browse"));
    auto* menu = new QMenu(browse);
    menu->addAction(tr("Choose a &file…"), this, [this] {
      take(QFileDialog::getOpenFileName(this, tr("Choose a file"), line_->text()));
    });
    menu->addAction(tr("Choose a f&older…"), this, [this] {
      take(QFileDialog::getExistingDirectory(this, tr("Choose a folder"), line_->text()));
    });
    browse->setMenu(menu);
    row->addWidget(browse);
  }
  engine::ParamValue value(std::vector<engine::Problem>&) const override {
    const QString text = line_->text();
    if (text.isEmpty() && spec().is_nullable) return engine::unset;
    return text.toStdString();
  }
  void setValue(const engine::ParamValue& value) override {
    const QSignalBlocker quiet(line_);
    const auto* text = std::get_if<std::string>(&value);
    line_->setText(text == nullptr ? QString() : QString::fromStdString(*text));
  }

 private:
  void take(const QString& path) {
    if (!path.isEmpty()) line_->setText(path);
  }

  QLineEdit* line_;
};

}  // namespace

ParamEditor::ParamEditor(engine::ParamSpec spec, QWidget* parent)
    : QWidget(parent), spec_(std::move(spec)) {
  setObjectName(QStringLiteral("editor.") + QString::fromStdString(spec_.name));
}

ParamEditor* ParamEditor::create(const engine::ParamSpec& spec, QWidget* parent) {
  switch (spec.kind) {
    case engine::ParamKind::boolean:
      return new BooleanEditor(spec, parent);
    case engine::ParamKind::choice:
      return new ChoiceEditor(spec, parent);
    case engine::ParamKind::integer:
    case engine::ParamKind::real:
    case engine::ParamKind::probability:
      return new NumbersEditor(spec, 1, parent);
    case engine::ParamKind::real_pair:
      return new NumbersEditor(spec, 2, parent);
    case engine::ParamKind::text:
    case engine::ParamKind::path:
      break;
  }
  return new TextEditor(spec, parent);
}

engine::Place ParamEditor::place() const {
  engine::Place place;
  place.file = "--" + spec_.name;
  return place;
}

void ParamEditor::introduce(QWidget* part, const QString& suffix) {
  QString name = QString::fromStdString(spec_.name);
  if (!suffix.isEmpty()) name += QLatin1Char(' ') + suffix;
  part->setAccessibleName(name);
  part->setAccessibleDescription(QString::fromStdString(spec_.help_text));
  part->setToolTip(param_tool_tip(spec_));
  if (suffix.isEmpty() || focusProxy() == nullptr) setFocusProxy(part);
}

QString param_tool_tip(const engine::ParamSpec& spec) {
  QStringList lines;
  lines << QStringLiteral("<b>%1</b>").arg(QString::fromStdString(spec.name));
  if (!spec.help_text.empty()) {
    lines << QString::fromStdString(spec.help_text).toHtmlEscaped();
  }
  const QString range = QString::fromStdString(engine::allowed_range(spec));
  if (!range.isEmpty()) lines << QObject::tr("Allowed: %1").arg(range.toHtmlEscaped());
  if (!spec.is_required) {
    lines << QObject::tr("Default: %1")
                 .arg(
                     QString::fromStdString(engine::to_string(spec.default_value)).toHtmlEscaped());
  }
  if (!spec.refused_because.empty()) {
    lines << QObject::tr("Not supported: %1")
                 .arg(QString::fromStdString(spec.refused_because).toHtmlEscaped());
  }
  return lines.join(QStringLiteral("<br>"));
}

}  // namespace widgets
