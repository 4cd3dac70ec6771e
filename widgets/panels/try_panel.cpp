// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/try_panel.h"

#include "engine/printable.h"
#include "engine/statistics/paired_difference.h"
#include "widgets/models/scan_model.h"
#include "widgets/panels/item_views.h"
#include "widgets/panels/measure_delegate.h"
#include "widgets/panels/message_bar.h"
#include "widgets/style/metrics.h"
#include "widgets/style/number_text.h"
#include "widgets/style/symbol_icon.h"
#include "widgets/style/theme.h"

#include <QCheckBox>
#include <QEvent>
#include <QFileDialog>
#include <QFileInfo>
#include <QFormLayout>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QLabel>
#include <QLineEdit>
#include <QMenu>
#include <QProgressBar>
#include <QPushButton>
#include <QSpinBox>
#include <QToolButton>
#include <QTreeWidget>
#include <QVBoxLayout>

#include <cmath>

namespace widgets {
namespace {

/// The token between marks, so that its blanks are seen.
QString token_text(const engine::TokenShift& token) {
  return QStringLiteral("“%1”").arg(QString::fromStdString(engine::printable(token.text, 40))
                                        .replace(QLatin1Char(' '), QChar(0x2423)));
}

QString rank_text(const engine::TokenShift& token) {
  if (token.plain_rank == token.transformed_rank) return QString::number(token.plain_rank);
  return QStringLiteral("%1 → %2").arg(token.plain_rank).arg(token.transformed_rank);
}

}  // namespace

TryPanel::TryPanel(QWidget* parent)
    : QWidget(parent),
      messages_(new MessageBar(this)),
      text_(new QLineEdit),
      prompt_(new QLineEdit),
      batches_(new QSpinBox),
      draws_(new QSpinBox),
      restart_(new QCheckBox(tr("Follow &edits"))),
      run_(new QPushButton(symbol_icon(QStringLiteral("run")), tr("&Try it"))),
      cancel_(new QPushButton(symbol_icon(QStringLiteral("stop")), tr("&Cancel"))),
      progress_(new QProgressBar),
      difference_(new QLabel),
      facts_(new QLabel),
      next_(new QLabel),
      tokens_(new QTreeWidget),
      legend_(new MeasureLegend),
      offers_(new QMenu(this)) {
  const int pad = lines(this, 0.4);
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(0, 0, 0, 0);
  column->setSpacing(0);
  column->addWidget(messages_);
  auto* content = new QWidget;
  column->addWidget(content, 1);
  auto* inner = new QVBoxLayout(content);
  inner->setContentsMargins(pad, pad, pad, 0);
  inner->setSpacing(pad);

  const auto name = [](QWidget* widget, const char* id, const QString& accessible,
                       const QString& tip) {
    widget->setObjectName(QStringLiteral("try.") + QLatin1String(id));
    widget->setAccessibleName(accessible);
    widget->setToolTip(tip);
  };
  auto* form = new QFormLayout;
  form->setContentsMargins(0, 0, 0, 0);
  form->setFieldGrowthPolicy(QFormLayout::AllNonFixedFieldsGrow);
  name(text_, "text", tr("Text to measure on"),
       tr("Text file whose beginning is measured; ranges are calibrated on other text"));
  text_->setPlaceholderText(tr("A text file"));
  auto* browse = new QToolButton;
  browse->setIcon(symbol_icon(QStringLiteral("open")));
  browse->setAutoRaise(true);
  name(browse, "browse", tr("Choose the text"), tr("Choose a text file"));
  browse->setPopupMode(QToolButton::MenuButtonPopup);
  browse->setMenu(offers_);
  auto* text_row = new QHBoxLayout;
  text_row->setSpacing(pad / 2);
  text_row->addWidget(text_, 1);
  text_row->addWidget(browse);
  auto* text_label = new QLabel(tr("Te&xt"));
  text_label->setBuddy(text_);
  form->addRow(text_label, text_row);
  name(prompt_, "prompt", tr("Prompt"),
       tr("The likeliest next tokens after it are shown, before and after"));
  prompt_->setPlaceholderText(tr("The beginning of the text"));
  auto* prompt_label = new QLabel(tr("&Prompt"));
  prompt_label->setBuddy(prompt_);
  auto* prompt_row = new QHBoxLayout;
  prompt_row->setSpacing(pad);
  prompt_row->addWidget(prompt_, 1);
  prompt_row->addWidget(restart_);
  form->addRow(prompt_label, prompt_row);
  inner->addLayout(form);

  auto* row = new QHBoxLayout;
  row->setSpacing(pad);
  name(batches_, "batches", tr("Batches"),
       tr("Batches of about 512 tokens that are measured; more make the interval narrower"));
  batches_->setRange(2, 1000);
  batches_->setValue(8);
  batches_->setSuffix(tr(" batches"));
  name(draws_, "draws", tr("Draws of the noise"),
       tr("Independent draws of the simulated noise on every batch"));
  draws_->setRange(1, 100);
  draws_->setValue(3);
  draws_->setSuffix(tr(" draws"));
  name(restart_, "restart", tr("Try again after every edit"),
       tr("Start again whenever the transform changes; the plain model stays in memory"));
  name(run_, "run", tr("Try it"), QString());
  name(cancel_, "cancel", tr("Cancel"), tr("End it at once"));
  name(progress_, "progress", tr("Progress"), QString());
  progress_->setTextVisible(true);
  // One row: how much is measured gives way to how far it is.
  row->addWidget(run_);
  row->addWidget(cancel_);
  row->addWidget(batches_);
  row->addWidget(draws_);
  row->addWidget(progress_, 1);
  row->addStretch(0);
  inner->addLayout(row);

  name(difference_, "difference", tr("Difference of the loss"), QString());
  QFont large = font();
  large.setPointSizeF(large.pointSizeF() * 1.35);
  large.setBold(true);
  difference_->setFont(large);
  difference_->setTextInteractionFlags(Qt::TextSelectableByMouse);
  inner->addWidget(difference_);
  name(facts_, "facts", tr("How it was measured"), QString());
  facts_->setWordWrap(true);
  inner->addWidget(facts_);
  name(next_, "next", tr("Prompt of the tokens below"), QString());
  next_->setWordWrap(false);
  next_->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Preferred);
  inner->addWidget(next_);

  name(tokens_, "tokens", tr("Likeliest next tokens, plain and transformed"), QString());
  tokens_->setHeaderLabels({tr("Token"), tr("Plain"), tr("Transformed"), tr("Rank")});
  set_up_list(tokens_);
  for (int i = 1; i < 4; ++i)
    tokens_->headerItem()->setTextAlignment(i, Qt::AlignRight | Qt::AlignVCenter);
  set_column_widths(tokens_, 0, {{1, 11}, {2, 14}, {3, 12}});
  inner->addWidget(tokens_, 1);
  inner->addStretch(0);
  legend_->setObjectName(QStringLiteral("try.legend"));
  const LayerMeasure measure = error_measure({});
  legend_->setScale(tr("in the tree %1").arg(number_text(measure, measure.good)),
                    number_text(measure, measure.bad));
  inner->addWidget(legend_);

  connect(run_, &QPushButton::clicked, this, &TryPanel::runRequested);
  connect(cancel_, &QPushButton::clicked, this, &TryPanel::cancelRequested);
  connect(browse, &QToolButton::clicked, this, &TryPanel::chooseText);
  connect(text_, &QLineEdit::textEdited, this, [this] { text_is_chosen_ = true; });
  connect(text_, &QLineEdit::editingFinished, this, &TryPanel::settingsChanged);
  connect(prompt_, &QLineEdit::editingFinished, this, &TryPanel::settingsChanged);
  connect(batches_, &QSpinBox::valueChanged, this, &TryPanel::settingsChanged);
  connect(draws_, &QSpinBox::valueChanged, this, &TryPanel::settingsChanged);
  connect(restart_, &QCheckBox::toggled, this, &TryPanel::settingsChanged);
  offers_->addAction(symbol_icon(QStringLiteral("open")), tr("&Choose a file…"), this,
                     &TryPanel::chooseText);
  setRunning(false);
}

void TryPanel::chooseText() {
  const QString file =
      QFileDialog::getOpenFileName(this, tr("Text to measure on"), text_->text(),
                                   tr("Texts (*.txt *.json *.jsonl *.parquet);;All files (*)"));
  if (!file.isEmpty()) takeText(file);
}

void TryPanel::takeText(const QString& file) {
  text_is_chosen_ = true;
  text_->setText(file);
  Q_EMIT settingsChanged();
}

QString TryPanel::textFile() const { return text_->text().trimmed(); }

void TryPanel::suggestTexts(std::vector<TextSuggestion> texts) {
  if (texts == suggestions_) return;
  suggestions_ = std::move(texts);
  offers_->clear();
  for (const TextSuggestion& text : suggestions_) {
    auto* offer =
        offers_->addAction(tr("%1 – %2").arg(QFileInfo(text.file).fileName(), text.reason), this,
                           [this, file = text.file] { takeText(file); });
    offer->setToolTip(text.file);
  }
  if (!suggestions_.empty()) offers_->addSeparator();
  offers_->addAction(symbol_icon(QStringLiteral("open")), tr("&Choose a file…"), this,
                     &TryPanel::chooseText);
  if (text_is_chosen_ && !text_->text().isEmpty()) return;
  const QString file = suggestions_.empty() ? QString() : suggestions_.front().file;
  if (file == text_->text()) return;
  text_->setText(file);
  text_->setCursorPosition(static_cast<int>(file.size()));
  Q_EMIT settingsChanged();
}

int TryPanel::batches() const { return batches_->value(); }

engine::TryOptions TryPanel::options() const {
  engine::TryOptions options;
  options.noise_draws = draws_->value();
  options.prompt = prompt_->text().toStdString();
  return options;
}

bool TryPanel::restartsOnEdit() const { return restart_->isChecked(); }

void TryPanel::setBlocked(const QString& reason) {
  blocked_ = reason;
  run_->setEnabled(reason.isEmpty() && !running_);
  run_->setToolTip(reason.isEmpty()
                       ? tr("Measure the transform as it is on the screen; nothing is saved")
                       : reason);
}

void TryPanel::setRunning(bool running) {
  running_ = running;
  const bool had_focus = run_->hasFocus() || cancel_->hasFocus();
  cancel_->setVisible(running);
  for (QWidget* widget : {static_cast<QWidget*>(run_), static_cast<QWidget*>(batches_),
                          static_cast<QWidget*>(draws_)})
    widget->setVisible(!running);
  progress_->setVisible(running);
  if (running) {
    progress_->setRange(0, 0);
    progress_->setFormat(tr("loading"));
  }
  setBlocked(blocked_);
  if (had_focus) (running ? cancel_ : run_)->setFocus();
  presentResult();
}

void TryPanel::showProgress(const QString& stage, double done, double total) {
  constexpr int kSteps = 1000;
  progress_->setRange(0, total > 0 ? kSteps : 0);
  progress_->setValue(total > 0 ? static_cast<int>(done / total * kSteps) : 0);
  progress_->setFormat(stage + QStringLiteral(" %p %"));
}

void TryPanel::showResult(const engine::TrialResult& result) {
  result_ = result;
  outdated_ = false;
  messages_->dismiss();
  presentResult();
}

void TryPanel::setOutdated(bool outdated) {
  if (outdated == outdated_) return;
  outdated_ = outdated;
  presentResult();
}

void TryPanel::presentResult() {
  const bool has_result = result_.has_value();
  for (QWidget* widget : {static_cast<QWidget*>(difference_), static_cast<QWidget*>(next_),
                          static_cast<QWidget*>(tokens_), static_cast<QWidget*>(legend_)})
    widget->setVisible(has_result);
  QPalette muted = palette();
  muted.setColor(QPalette::WindowText, muted_text(palette()));
  facts_->setPalette(muted);
  next_->setPalette(muted);
  if (!has_result) {
    facts_->setText(tr(
        "Runs a few batches of text through the plain and the transformed model, before anything "
        "is saved: what the transform costs in loss, in which layers the error arises, which "
        "tokens change."));
    return;
  }
  const engine::Estimate& difference = result_->difference;
  const bool is_distinct = engine::is_distinguishable(difference);
  const bool is_finite = std::isfinite(difference.value);
  difference_->setPalette(is_distinct && !outdated_ ? palette() : muted);
  difference_->setText(is_finite ? tr("Δ loss %1").arg(difference_text(difference))
                                 : tr("The loss is not finite"));
  QString facts;
  if (outdated_) facts += tr("Before the last edit. ");
  if (!result_->is_complete) facts += running_ ? tr("So far: ") : tr("Ended early. ");
  if (is_finite && !is_distinct) {
    facts += std::isnan(difference.low)
                 ? tr("One batch has no interval. ")
                 : tr("Not distinguishable from 0: its 95 % interval holds 0. ");
  }
  const auto& measured = result_->facts;
  facts += tr("Plain %1, transformed %2, %3 layers simulated. %4 batches of %5 × %6 tokens, %7 "
              "draws of the noise")
               .arg(loss_text(result_->plain_loss), loss_text(result_->transformed_loss))
               .arg(result_->transformed_layers)
               .arg(measured.batches)
               .arg(measured.batch_size)
               .arg(measured.block_size)
               .arg(measured.noise_draws);
  if (measured.calibrated_blocks > 0) {
    facts += tr("; ranges from %1 other sequences").arg(measured.calibrated_blocks);
  }
  facts += tr("; %1, %2 s.")
               .arg(QString::fromStdString(measured.device))
               .arg(measured.seconds, 0, 'f', 1);
  facts_->setText(facts);
  difference_->setToolTip(
      tr("95 % interval of the paired differences over batches and draws: two-way analysis of "
         "variance with random effects"));
  const QString prompt = QString::fromStdString(engine::printable(result_->prompt, 300));
  next_->setText(tr("Next after “…%1”").arg(prompt.right(60)));
  next_->setToolTip(prompt);
  next_->setVisible(!result_->tokens.empty());
  tokens_->setVisible(!result_->tokens.empty());
  tokens_->clear();
  for (const auto& token : result_->tokens) {
    auto* item = new QTreeWidgetItem(
        {token_text(token), percent(token.plain),
         std::isnan(token.transformed) ? QStringLiteral("NaN") : percent(token.transformed),
         rank_text(token)});
    for (int i = 1; i < 4; ++i) item->setTextAlignment(i, Qt::AlignRight | Qt::AlignVCenter);
    tokens_->addTopLevelItem(item);
  }
}

void TryPanel::changeEvent(QEvent* event) {
  QWidget::changeEvent(event);
  if (event->type() == QEvent::PaletteChange) presentResult();
}

}  // namespace widgets
