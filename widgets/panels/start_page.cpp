// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/start_page.h"

#include "widgets/style/metrics.h"
#include "widgets/style/symbol_icon.h"
#include "widgets/style/theme.h"

#include <QDir>
#include <QEvent>
#include <QFileInfo>
#include <QGridLayout>
#include <QLabel>
#include <QListWidget>
#include <QPushButton>
#include <QVBoxLayout>

namespace widgets {

StartPage::StartPage(QWidget* parent)
    : QWidget(parent), recent_title_(new QLabel(this)), recent_(new QListWidget(this)) {
  setObjectName(QStringLiteral("start_page"));
  auto* outer = new QGridLayout(this);
  auto* block = new QWidget(this);
  block->setMinimumWidth(characters(this, 104));
  block->setMaximumWidth(characters(this, 110));
  outer->setRowStretch(0, 2);
  outer->setRowStretch(2, 3);
  outer->setColumnStretch(0, 1);
  outer->setColumnStretch(2, 1);
  outer->addWidget(block, 1, 1);
  auto* column = new QVBoxLayout(block);
  column->setSpacing(lines(this, 0.5));

  auto* title = new QLabel(tr("Paradigm Workbench"), block);
  QFont large = font();
  large.setPointSizeF(large.pointSizeF() * 1.9);
  large.setWeight(QFont::DemiBold);
  title->setFont(large);
  column->addWidget(title);
  auto* purpose = new QLabel(
      tr("Would a language model still learn if these layers ran on simulated hardware?"), block);
  purpose->setWordWrap(true);
  hints_ << purpose;
  column->addWidget(purpose);
  column->addSpacing(lines(this, 1));

  auto* ways = new QGridLayout;
  ways->setHorizontalSpacing(lines(this, 1));
  ways->setVerticalSpacing(lines(this, 0.6));
  ways->setColumnStretch(1, 1);
  column->addLayout(ways);
  const auto add = [&](const QString& text, const QString& icon, const QString& hint,
                       const QString& name) {
    auto* button = new QPushButton(symbol_icon(icon), text, block);
    button->setObjectName(name);
    button->setAccessibleName(QString(text).remove(QLatin1Char('&')));
    button->setAccessibleDescription(hint);
    button->setMinimumHeight(lines(this, 2));
    button->setMinimumWidth(characters(this, 26));
    auto* label = new QLabel(hint, block);
    label->setWordWrap(true);
    hints_ << label;
    const int row = ways->rowCount();
    ways->addWidget(button, row, 0);
    ways->addWidget(label, row, 1);
    return button;
  };
  connect(add(tr("Open a &checkpoint…"), QStringLiteral("open"),
              tr("A Llama folder with config.json and safetensors: see its layers."),
              QStringLiteral("start.checkpoint")),
          &QPushButton::clicked, this, &StartPage::openCheckpointRequested);
  connect(add(tr("Open a &transform file…"), QStringLiteral("config"),
              tr("YAML rules: which layers run on which simulated hardware."),
              QStringLiteral("start.config")),
          &QPushButton::clicked, this, &StartPage::openConfigRequested);
  connect(add(tr("Open a &run folder…"), QStringLiteral("folder"),
              tr("A training run, live or finished: its curve, its histogram, its log."),
              QStringLiteral("start.run")),
          &QPushButton::clicked, this, &StartPage::openRunRequested);
  auto* demo = add(tr("Use the &demo"), QStringLiteral("run"),
                   tr("A small checkpoint with a transform, ready to train in a minute."),
                   QStringLiteral("start.demo"));
  connect(demo, &QPushButton::clicked, this, &StartPage::demoRequested);
  demo_ = demo;
  auto* drop = new QLabel(tr("Or drop any of them anywhere on this window."), block);
  hints_ << drop;
  column->addSpacing(lines(this, 0.2));
  column->addWidget(drop);

  column->addSpacing(lines(this, 1));
  QFont bold = font();
  bold.setBold(true);
  recent_title_->setText(tr("Recent"));
  recent_title_->setFont(bold);
  column->addWidget(recent_title_);
  recent_->setObjectName(QStringLiteral("start.recent"));
  recent_->setAccessibleName(tr("Recent checkpoints, transform files and runs"));
  recent_->setFrameShape(QFrame::NoFrame);
  recent_->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  recent_->setTextElideMode(Qt::ElideMiddle);
  column->addWidget(recent_);
  connect(recent_, &QListWidget::itemActivated, this, [this](QListWidgetItem* item) {
    Q_EMIT recentRequested(item->data(Qt::UserRole).toString());
  });
  connect(recent_, &QListWidget::itemClicked, this, [this](QListWidgetItem* item) {
    Q_EMIT recentRequested(item->data(Qt::UserRole).toString());
  });
  setRecent({});
  applyTheme();
}

void StartPage::setRecent(const QStringList& paths) {
  recent_->clear();
  for (const auto& path : paths) {
    auto* item = new QListWidgetItem(QDir::toNativeSeparators(path), recent_);
    item->setData(Qt::UserRole, path);
    item->setToolTip(path);
    item->setIcon(
        symbol_icon(QFileInfo(path).isDir() ? QStringLiteral("folder") : QStringLiteral("config")));
  }
  recent_title_->setVisible(!paths.isEmpty());
  recent_->setVisible(!paths.isEmpty());
  recent_->setFixedHeight(
      static_cast<int>(lines(recent_, 1.35) * std::min<qsizetype>(paths.size(), 8)) +
      lines(recent_, 0.3));
}

void StartPage::setDemoAvailable(bool available) {
  demo_->setEnabled(available);
  demo_->setToolTip(available ? QString() : tr("The demo was not found beside this program"));
}

void StartPage::applyTheme() {
  QPalette colors = palette();
  colors.setColor(QPalette::WindowText, muted_text(palette()));
  for (auto* hint : hints_) hint->setPalette(colors);
  QPalette flat = palette();
  flat.setColor(QPalette::Base, palette().color(QPalette::Window));
  recent_->setPalette(flat);
}

void StartPage::changeEvent(QEvent* event) {
  QWidget::changeEvent(event);
  if (event->type() == QEvent::PaletteChange) applyTheme();
}

}  // namespace widgets
