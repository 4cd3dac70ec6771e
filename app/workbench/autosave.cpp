// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/autosave.h"

#include "engine/error.h"
#include "widgets/models/transform_document.h"
#include "widgets/panels/message_bar.h"
#include "widgets/style/number_text.h"

#include <QCoreApplication>
#include <QFileInfo>
#include <QPointer>

namespace app {

Autosave::Autosave(widgets::TransformDocument* document, widgets::MessageBar* messages,
                   const QString& folder, int interval_ms)
    : document_(document), messages_(messages) {
  try {
    store_ = std::make_unique<engine::RecoveryStore>(folder.toStdString());
  } catch (const engine::Error& error) {
    messages_->showProblem(error.problems().front());
  }
  writer_.setMaxThreadCount(1);
  timer_.setSingleShot(true);
  timer_.setInterval(interval_ms);
  connect(&timer_, &QTimer::timeout, this, &Autosave::keep);
  connect(document_, &widgets::TransformDocument::textChanged, this, &Autosave::follow);
  connect(document_, &widgets::TransformDocument::modifiedChanged, this, &Autosave::follow);
  connect(document_, &widgets::TransformDocument::fileChanged, this, &Autosave::forget);
}

Autosave::~Autosave() { finish(); }

void Autosave::finish() { writer_.waitForDone(); }

std::string Autosave::name() const {
  return document_->file().isEmpty() ? "untitled" : document_->file().toStdString();
}

void Autosave::follow() {
  const bool unsaved = document_->isModified() && document_->undoStack()->canUndo();
  if (!unsaved) {
    forget();
  } else if (!timer_.isActive()) {
    timer_.start();
  }
}

void Autosave::keep() {
  timer_.stop();
  const bool unsaved = document_->isModified() && document_->undoStack()->canUndo();
  if (store_ == nullptr || !unsaved) return;
  if (!kept_.empty() && kept_text_ == document_->text()) return;
  kept_ = name();
  kept_text_ = document_->text();
  writer_.start([self = QPointer<Autosave>(this), store = store_.get(), file = kept_,
                 digest = document_->diskDigest(), text = kept_text_] {
    try {
      store->save(file, digest, text);
    } catch (const engine::Error& error) {
      QMetaObject::invokeMethod(
          QCoreApplication::instance(),
          [self, problem = error.problems().front()] {
            if (self.isNull()) return;
            self->kept_text_.clear();  // the next change tries again
            self->messages_->showProblem(problem);
          },
          Qt::QueuedConnection);
    }
  });
}

void Autosave::forget() {
  timer_.stop();
  if (store_ != nullptr && !kept_.empty())
    writer_.start([store = store_.get(), file = kept_] { store->discard(file); });
  kept_.clear();
  kept_text_.clear();
}

void Autosave::offerRecovered() {
  if (store_ == nullptr) return;
  if (!has_looked_) {
    has_looked_ = true;
    finish();
    try {
      found_ = store_->adopt_abandoned();
    } catch (const engine::Error& error) {
      messages_->showProblem(error.problems().front());
    }
  }
  offerNext();
}

void Autosave::offerNext() {
  if (found_.empty()) return;
  const engine::RecoveredText& one = found_.front();
  const QString file = QString::fromStdString(one.file);
  const bool has_file = QFileInfo(file).isAbsolute();
  const QString name = has_file ? QFileInfo(file).fileName() : tr("a transform without a name");
  QString remedy = tr("Recovering opens the text as it was at %1; your file is not touched until "
                      "you save.")
                       .arg(widgets::time_text(one.saved_at));
  if (has_file && widgets::TransformDocument::digestOf(file) != one.base_sha256) {
    remedy = tr("The file has been changed or removed since; what is recovered is the text as it "
                "was at %1.")
                 .arg(widgets::time_text(one.saved_at));
  }
  messages_->showMessage(engine::Severity::warning,
                         found_.size() == 1
                             ? tr("The window ended with unsaved edits of %1.").arg(name)
                             : tr("The window ended with unsaved edits of %1, and of %2 more.")
                                   .arg(name)
                                   .arg(found_.size() - 1),
                         remedy);
  messages_->offer(QStringLiteral("recovery.take"), tr("&Recover"), [this, has_file, file] {
    if (may_replace_ && !may_replace_()) return;
    const engine::RecoveredText taken = found_.front();
    found_.erase(found_.begin());
    messages_->dismiss();
    Q_EMIT recovered(has_file ? file : QString(), taken.text);
    keep();  // under this window's name, before the old one goes
    finish();
    store_->remove(taken);
    offerNext();
  });
  messages_->offer(QStringLiteral("recovery.discard"), tr("&Discard"), [this] {
    finish();
    store_->remove(found_.front());
    found_.erase(found_.begin());
    messages_->dismiss();
    offerNext();
  });
}

}  // namespace app
