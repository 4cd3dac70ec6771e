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

#include <cmath>

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
    connect(box_, &QCheckBox::stateChanged, this, [this] {
      box_->setTristate(false);
      Q_EMIT edited();
    });
  }
  void setMixed() override {
    const QSignalBlocker quiet(box_);
    box_->setTristate(true);
    box_->setCheckState(Qt::PartiallyChecked);
  }
  engine::ParamValue value(std::vector<engine::Problem>&) const override {
    if (!box_->isChecked() && !engine::is_set(spec().default_value)) return engine::unset;
    return box_->isChecked();
  }
  void setValue(const engine::ParamValue& value) override {
    const QSignalBlocker quiet(box_);
    const bool* flag = std::get_if<bool>(&value);
    box_->setTristate(false);
    box_->setCheckState(flag != nullptr && *flag ? Qt::Checked : Qt::Unchecked);
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
  void setMixed() override {
    const QSignalBlocker quiet(box_);
    box_->setPlaceholderText(tr("several values"));
    box_->setCurrentIndex(-1);
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
      connect(set_, &QCheckBox::stateChanged, this, [this](int state) {
        const bool set = state != Qt::Unchecked;
        set_->setTristate(false);
        for (auto* number : numbers_) number->setEnabled(set);
        if (set && numbers_.front()->numberText().isEmpty()) suggest();
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
      connect(number, &NumberEdit::numberTextChanged, this, [this] {
        if (set_ != nullptr && set_->isTristate()) {
          const QSignalBlocker quiet(set_);
          set_->setTristate(false);
          set_->setCheckState(Qt::Checked);
        }
        Q_EMIT edited();
      });
      numbers_.push_back(number);
    }
    constexpr std::size_t kLongestUnit = 10;  // a longer one stands in the tool tip
    if (!spec.unit_text.empty() && spec.unit_text.size() <= kLongestUnit) {
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

  void setMixed() override {
    if (set_ != nullptr) {
      const QSignalBlocker quiet(set_);
      set_->setTristate(true);
      set_->setCheckState(Qt::PartiallyChecked);
    }
    for (auto* number : numbers_) {
      const QSignalBlocker quiet(number);
      number->setEnabled(true);
      number->setNumberText(QString());
      number->setHint(tr("several"));
    }
  }

  void setValue(const engine::ParamValue& value) override {
    const bool set = engine::is_set(value);
    for (auto* number : numbers_) number->setHint(QString());
    if (set_ != nullptr) {
      const QSignalBlocker quiet(set_);
      set_->setTristate(false);
      set_->setCheckState(set ? Qt::Checked : Qt::Unchecked);
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
  /// What a value that was unset begins with, so that setting it is one click: the default, else a
  /// number in the middle of the range.
  void suggest() {
    const auto& given = spec();
    if (engine::is_set(given.default_value)) {
      setValue(given.default_value);
    } else if (given.kind == engine::ParamKind::probability) {
      setValue(0x1p-16);
    } else if (given.kind == engine::ParamKind::real_pair) {
      const double width =
          std::isfinite(given.maximum - given.minimum) ? given.maximum - given.minimum : 1.0;
      setValue(engine::RealPair(given.minimum + width * 0.001, given.maximum - width * 0.001));
    }
    numbers_.front()->setFocus(Qt::OtherFocusReason);
  }

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
  engine::ParamValue value(std::vector<engine::Problem>& problems) const override {
    const QString text = line_->text();
    if (text.isEmpty() && spec().is_nullable) return engine::unset;
    return engine::parse_value(spec(), text.toStdString(), place(), problems);
  }
  void setValue(const engine::ParamValue& value) override {
    const QSignalBlocker quiet(line_);
    const auto* text = std::get_if<std::string>(&value);
    line_->setText(text == nullptr ? QString() : QString::fromStdString(*text));
    line_->setPlaceholderText(spec().is_nullable ? tr("not set") : QString());
  }
  void setMixed() override {
    const QSignalBlocker quiet(line_);
    line_->clear();
    line_->setPlaceholderText(tr("several values"));
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
  if (!spec.unit_text.empty()) {
    lines << QObject::tr("Unit: %1").arg(QString::fromStdString(spec.unit_text).toHtmlEscaped());
  }
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
