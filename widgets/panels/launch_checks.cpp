// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/launch_checks.h"

#include "engine/config/run_config.h"
#include "widgets/style/metrics.h"
#include "widgets/style/symbol_icon.h"
#include "widgets/style/theme.h"

#include <QEvent>
#include <QHBoxLayout>
#include <QLabel>
#include <QPushButton>
#include <QScrollArea>
#include <QToolButton>
#include <QVBoxLayout>

#include <algorithm>
#include <iterator>

namespace widgets {
namespace {

SymbolColor color_of(engine::Severity severity) {
  if (severity == engine::Severity::error) return SymbolColor::error;
  return severity == engine::Severity::warning ? SymbolColor::warning : SymbolColor::text;
}

QString place_text(const engine::Place& place) {
  const QString text = QString::fromStdString(engine::to_string(place));
  return text.startsWith(QLatin1String("--")) ? text.mid(2) : text;
}

bool same(const std::vector<engine::Problem>& one, const std::vector<engine::Problem>& other) {
  return std::equal(
      one.begin(), one.end(), other.begin(), other.end(),
      [](const auto& a, const auto& b) { return engine::to_string(a) == engine::to_string(b); });
}

}  // namespace

LaunchChecks::LaunchChecks(QWidget* parent)
    : QWidget(parent), header_(new QToolButton(this)), scroll_(new QScrollArea(this)) {
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(0, 0, 0, 0);
  column->setSpacing(0);
  header_->setObjectName(QStringLiteral("launch.checks"));
  header_->setAutoRaise(true);
  header_->setCheckable(true);
  header_->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
  header_->setToolTip(tr("What stands in the way of the launch, and what it would do"));
  connect(header_, &QToolButton::toggled, this, [this](bool open) {
    scroll_->setVisible(open && hasRows());
    fitHeight();
  });
  scroll_->setFrameShape(QFrame::NoFrame);
  scroll_->setWidgetResizable(true);
  scroll_->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  scroll_->setFocusPolicy(Qt::NoFocus);
  scroll_->setObjectName(QStringLiteral("launch.checks.list"));
  column->addWidget(header_);
  column->addWidget(scroll_);
  rebuild();
}

void LaunchChecks::setProblems(std::vector<engine::Problem> problems, bool running, bool tried) {
  std::vector<engine::Problem> needed;
  if (!tried) {
    const auto is_needed = [](const auto& one) { return one.id == engine::kMissingSetting; };
    std::copy_if(problems.begin(), problems.end(), std::back_inserter(needed), is_needed);
    std::erase_if(problems, is_needed);
    for (auto& one : needed) one.severity = engine::Severity::note;
  }
  std::stable_sort(problems.begin(), problems.end(), [](const auto& one, const auto& other) {
    return static_cast<int>(one.severity) > static_cast<int>(other.severity);
  });
  if (same(problems, problems_) && same(needed, needed_) && running == running_) return;
  problems_ = std::move(problems);
  needed_ = std::move(needed);
  running_ = running;
  rebuild();
}

void LaunchChecks::setOpen(bool open) { header_->setChecked(open); }

bool LaunchChecks::isOpen() const { return header_->isChecked(); }

int LaunchChecks::count(engine::Severity severity) const {
  return static_cast<int>(std::count_if(problems_.begin(), problems_.end(),
                                        [&](const auto& one) { return one.severity == severity; }));
}

/// "Choose a model and a text or dataset"
QString LaunchChecks::needs() const {
  QStringList things;
  for (const auto& one : needed_) {
    if (one.place.file == "--model_name_or_path") {
      things << tr("a model");
    } else if (one.place.file == "--train_file") {
      things << tr("a text or dataset");
    } else {
      things << place_text(one.place);
    }
  }
  return things.size() == 2 ? tr("Choose %1 and %2").arg(things[0], things[1])
                            : tr("Choose %1").arg(things.join(QStringLiteral(", ")));
}

QString LaunchChecks::headline() const {
  const int errors = count(engine::Severity::error);
  const int warnings = count(engine::Severity::warning);
  const int notes = count(engine::Severity::note);
  QStringList parts;
  if (!needed_.empty()) parts << needs();
  if (errors > 0) parts << (errors == 1 ? tr("1 error") : tr("%1 errors").arg(errors));
  if (warnings > 0) {
    parts << (warnings == 1 ? tr("1 warning") : tr("%1 warnings").arg(warnings));
  }
  if (parts.isEmpty()) parts << tr("Nothing in the way");
  // Beside what is still to be chosen, remarks can wait until the list is opened.
  if (notes > 0 && needed_.empty())
    parts << (notes == 1 ? tr("1 note") : tr("%1 notes").arg(notes));
  QString text = parts.join(QStringLiteral(", "));
  if (running_) text += tr(" (checking …)");
  return text;
}

/// An invitation is written as secondary text; what is wrong is bold, beside its colour.
void LaunchChecks::styleHeader() {
  const auto worst = problems_.empty() ? engine::Severity::note : problems_.front().severity;
  const bool is_clear = worst == engine::Severity::note;
  const bool invites = is_clear && !needed_.empty();
  header_->setIcon(
      is_clear ? symbol_icon(QStringLiteral("note"))
               : symbol_icon(QString::fromLatin1(engine::to_string(worst)), color_of(worst)));
  QFont face = font();
  face.setBold(!invites);
  header_->setFont(face);
  QPalette colors = palette();
  if (invites) colors.setColor(QPalette::ButtonText, muted_text(palette()));
  header_->setPalette(colors);
}

void LaunchChecks::rebuild() {
  styleHeader();
  header_->setText(headline());
  header_->setAccessibleName(tr("Checks before the launch: %1").arg(headline()));
  header_->setEnabled(hasRows());
  body_ = new QWidget;
  auto* rows = new QVBoxLayout(body_);
  rows->setContentsMargins(lines(this, 0.3), lines(this, 0.1), lines(this, 0.3), lines(this, 0.2));
  rows->setSpacing(lines(this, 0.35));
  int row = 0;
  for (const auto* list : {&problems_, &needed_}) {
    for (const auto& problem : *list) addRow(problem, row++);
  }
  rows->addStretch();
  scroll_->setWidget(body_);  // the old one goes
  scroll_->setVisible(header_->isChecked() && hasRows());
  fitHeight();
}

void LaunchChecks::addRow(const engine::Problem& problem, int row) {
  auto* line = new QWidget(body_);
  auto* layout = new QHBoxLayout(line);
  layout->setContentsMargins(0, 0, 0, 0);
  auto* icon = new QLabel(line);
  const int size = lines(this, 1);
  icon->setPixmap(symbol_icon(QString::fromLatin1(engine::to_string(problem.severity)),
                              color_of(problem.severity))
                      .pixmap(QSize(size, size), devicePixelRatioF()));
  layout->addWidget(icon, 0, Qt::AlignTop);

  auto* text = new QLabel(line);
  text->setObjectName(QStringLiteral("launch.check.%1").arg(row));
  text->setWordWrap(true);
  text->setTextFormat(Qt::RichText);
  text->setTextInteractionFlags(Qt::TextBrowserInteraction | Qt::TextSelectableByKeyboard);
  const QString place = place_text(problem.place);
  QString html;
  const QString message = QString::fromStdString(problem.message);
  if (!place.isEmpty() && !message.startsWith(place)) {
    html = QStringLiteral("<a href=\"place\">%1</a>: ").arg(place.toHtmlEscaped());
  }
  html += message.toHtmlEscaped();
  if (!problem.remedy.empty()) {
    html += QStringLiteral("<br><span style=\"color:%1\">%2</span>")
                .arg(muted_text(palette()).name(),
                     QString::fromStdString(problem.remedy).toHtmlEscaped());
  }
  text->setText(html);
  text->setAccessibleName(QString::fromStdString(engine::to_string(problem)));
  connect(text, &QLabel::linkActivated, this,
          [this, place = problem.place] { Q_EMIT placeRequested(place); });
  layout->addWidget(text, 1);

  auto* buttons = new QVBoxLayout;
  buttons->setSpacing(lines(this, 0.15));
  int number = 0;
  for (const auto& fix : engine::setting_fixes(problem)) {
    auto* button = new QPushButton(QString::fromStdString(fix.title), line);
    button->setObjectName(QStringLiteral("launch.fix.%1.%2").arg(row).arg(number++));
    button->setAccessibleName(button->text());
    button->setToolTip(tr("Sets it in the form above"));
    connect(button, &QPushButton::clicked, this, [this, fix] { Q_EMIT fixRequested(fix); });
    buttons->addWidget(button);
  }
  if (number > 0) {
    buttons->addStretch();
    layout->addLayout(buttons);
  }
  static_cast<QVBoxLayout*>(body_->layout())->addWidget(line);
}

/// As high as its rows, up to a third of the window: the form above stays usable.
void LaunchChecks::fitHeight() {
  if (body_ == nullptr || !header_->isChecked()) return;
  const int width = std::max(1, scroll_->viewport()->width());
  const int wanted = body_->layout()->hasHeightForWidth() ? body_->layout()->heightForWidth(width)
                                                          : body_->sizeHint().height();
  const int most = std::max(lines(this, 6), window()->height() / 4);
  scroll_->setFixedHeight(std::min(wanted, most));
}

void LaunchChecks::resizeEvent(QResizeEvent* event) {
  QWidget::resizeEvent(event);
  fitHeight();
}

void LaunchChecks::changeEvent(QEvent* event) {
  QWidget::changeEvent(event);
  if (event->type() == QEvent::PaletteChange) rebuild();
}

}  // namespace widgets
