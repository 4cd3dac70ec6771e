// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/new_rule_bar.h"

#include "widgets/style/metrics.h"
#include "widgets/style/symbol_icon.h"
#include "widgets/style/theme.h"
#include "widgets/text/pattern_edit.h"

#include <QComboBox>
#include <QGridLayout>
#include <QKeyEvent>
#include <QLabel>
#include <QPushButton>
#include <QToolButton>

namespace widgets {

NewRuleBar::NewRuleBar(QWidget* parent)
    : QFrame(parent),
      infos_(engine::paradigm_infos()),
      headline_(new QLabel(this)),
      pattern_(new PatternEdit(this)),
      others_(new QComboBox(this)),
      paradigm_label_(new QLabel(tr("&Paradigm"), this)),
      paradigm_(new QComboBox(this)),
      hits_(new QLabel(this)),
      add_(new QPushButton(symbol_icon(QStringLiteral("add")), tr("A&ccept"), this)) {
  setObjectName(QStringLiteral("new_rule"));
  setAutoFillBackground(true);
  setFrameShape(QFrame::StyledPanel);
  auto* grid = new QGridLayout(this);
  const int pad = lines(this, 0.4);
  grid->setContentsMargins(pad, pad, pad, pad);
  grid->setHorizontalSpacing(pad);
  grid->setVerticalSpacing(lines(this, 0.25));
  grid->setColumnStretch(1, 1);

  QFont bold = font();
  bold.setBold(true);
  headline_->setFont(bold);
  headline_->setWordWrap(true);
  headline_->setObjectName(QStringLiteral("new_rule.headline"));
  grid->addWidget(headline_, 0, 0, 1, 3);
  auto* close = new QToolButton(this);
  close->setIcon(symbol_icon(QStringLiteral("close")));
  close->setAutoRaise(true);
  close->setToolTip(tr("Make no rule (Esc)"));
  close->setAccessibleName(tr("Make no rule"));
  grid->addWidget(close, 0, 3, Qt::AlignTop | Qt::AlignRight);

  pattern_->setObjectName(QStringLiteral("new_rule.pattern"));
  pattern_->setAccessibleName(tr("Pattern of the new rule"));
  grid->addWidget(pattern_, 1, 0, 1, 4);
  hits_->setObjectName(QStringLiteral("new_rule.hits"));
  hits_->setWordWrap(true);
  grid->addWidget(hits_, 2, 0, 1, 4);
  others_->setObjectName(QStringLiteral("new_rule.others"));
  others_->setAccessibleName(tr("Other patterns"));
  others_->setToolTip(tr("Other patterns for these layers"));
  others_->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
  grid->addWidget(others_, 3, 0, 1, 4);

  paradigm_label_->setBuddy(paradigm_);
  paradigm_->setObjectName(QStringLiteral("new_rule.paradigm"));
  paradigm_->setAccessibleName(tr("Paradigm of the new rule"));
  for (const auto& info : infos_) {
    paradigm_->addItem(QString::fromStdString(info.title), QString::fromStdString(info.id));
    paradigm_->setItemData(paradigm_->count() - 1, QString::fromStdString(info.summary),
                           Qt::ToolTipRole);
  }
  paradigm_->addItem(tr("leave alone"), QString());
  add_->setObjectName(QStringLiteral("new_rule.add"));
  add_->setAccessibleName(tr("Accept"));
  add_->setToolTip(tr("Write this rule into the file (Enter)"));
  add_->setDefault(true);
  grid->addWidget(paradigm_label_, 4, 0);
  grid->addWidget(paradigm_, 4, 1, 1, 2);
  grid->addWidget(add_, 4, 3);

  connect(close, &QToolButton::clicked, this, &NewRuleBar::dismiss);
  connect(pattern_, &PatternEdit::abandoned, this, &NewRuleBar::dismiss);
  connect(pattern_, &PatternEdit::accepted, this, &NewRuleBar::accepted);
  connect(add_, &QPushButton::clicked, this, &NewRuleBar::accepted);
  connect(pattern_, &PatternEdit::patternEdited, this, &NewRuleBar::patternChanged);
  connect(others_, &QComboBox::activated, this, [this](int index) {
    pattern_->setPattern(others_->itemData(index).toString());
    Q_EMIT patternChanged(pattern_->pattern());
    pattern_->setFocus(Qt::OtherFocusReason);
  });
  applyTheme();
  hide();
}

void NewRuleBar::offer(const std::vector<Candidate>& candidates, const QString& headline,
                       int before, const std::string& paradigm) {
  before_ = before;
  headline_->setText(headline);
  others_->clear();
  for (const auto& one : candidates) {
    others_->addItem(QStringLiteral("%1  –  %2").arg(one.pattern, one.remark), one.pattern);
  }
  others_->setVisible(candidates.size() > 1);
  if (!candidates.empty()) {
    pattern_->setPattern(candidates.front().pattern);
    setHits(candidates.front().remark, candidates.front().is_exact);
  } else {
    pattern_->setPattern(QString());
    setHits(QString(), true);
  }
  const int at = paradigm.empty() ? 0 : paradigm_->findData(QString::fromStdString(paradigm));
  paradigm_->setCurrentIndex(at >= 0 ? at : 0);
  show();
  pattern_->setFocus(Qt::OtherFocusReason);
  pattern_->selectAllText();
}

void NewRuleBar::setParadigmShown(bool shown) {
  paradigm_label_->setVisible(shown);
  paradigm_->setVisible(shown);
}

void NewRuleBar::dismiss() { hide(); }

QString NewRuleBar::pattern() const { return pattern_->pattern(); }

QString NewRuleBar::paradigm() const { return paradigm_->currentData().toString(); }

void NewRuleBar::setHits(const QString& text, bool is_exact) {
  hits_->setText(text);
  is_exact_ = is_exact;
  applyTheme();
}

void NewRuleBar::keyPressEvent(QKeyEvent* event) {
  if (event->key() == Qt::Key_Escape) {
    dismiss();
  } else if (event->key() == Qt::Key_Return || event->key() == Qt::Key_Enter) {
    Q_EMIT accepted();
  } else {
    QFrame::keyPressEvent(event);
  }
}

void NewRuleBar::applyTheme() {
  const QPalette above = parentWidget() != nullptr ? parentWidget()->palette() : palette();
  QPalette own = above;
  own.setColor(QPalette::Window,
               blend(above.color(QPalette::Highlight), above.color(QPalette::Base), 0.10));
  if (own != palette()) setPalette(own);
  QPalette remark = own;
  remark.setColor(QPalette::WindowText, is_exact_ ? muted_text(own) : theme_colors(above).warning);
  hits_->setPalette(remark);
}

void NewRuleBar::changeEvent(QEvent* event) {
  QFrame::changeEvent(event);
  if (event->type() == QEvent::ApplicationPaletteChange) applyTheme();
}

}  // namespace widgets
