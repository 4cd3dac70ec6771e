// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/models/transform_document.h"

#include "engine/digest.h"

#include <QFile>
#include <QFileInfo>
#include <QSaveFile>
#include <QUndoCommand>

namespace widgets {
namespace {

std::optional<std::string> read(const QString& file) {
  QFile source(file);
  if (!source.open(QIODevice::ReadOnly)) return std::nullopt;
  return source.readAll().toStdString();
}

engine::Problem file_problem(const char* id, const QString& file, const QString& message,
                             const QString& remedy) {
  engine::Problem problem;
  problem.id = id;
  problem.place.file = file.toStdString();
  problem.value = file.toStdString();
  problem.message = message.toStdString();
  problem.remedy = remedy.toStdString();
  return problem;
}

}  // namespace

class TransformDocument::Step : public QUndoCommand {
 public:
  Step(TransformDocument* document, const engine::TextEdit& edit, QString merge_key)
      : QUndoCommand(QString::fromStdString(edit.title)),
        document_(document),
        there_(edit),
        back_(engine::inverse_edit(document->text_, edit)),
        merge_key_(std::move(merge_key)),
        merge_run_(document->merge_run_) {}

  int id() const override { return merge_key_.isEmpty() ? -1 : 1; }

  bool mergeWith(const QUndoCommand* other) override {
    const auto* next = static_cast<const Step*>(other);
    if (next->merge_key_ != merge_key_ || next->merge_run_ != merge_run_) return false;
    const auto join = [](std::vector<engine::TextPatch>& first,
                         const std::vector<engine::TextPatch>& second,
                         auto where) { first.insert(where, second.begin(), second.end()); };
    join(there_.patches, next->there_.patches, there_.patches.end());
    join(back_.patches, next->back_.patches, back_.patches.begin());
    setText(next->text());
    return true;
  }

  void redo() override { take(there_); }

  void undo() override {
    document_->endMerge();
    take(back_);
  }

 private:
  void take(const engine::TextEdit& edit) {
    document_->text_ = engine::apply_edit(std::move(document_->text_), edit);
    Q_EMIT document_->textChanged();
  }

  TransformDocument* document_;
  engine::TextEdit there_;
  engine::TextEdit back_;
  QString merge_key_;
  int merge_run_;
};

TransformDocument::TransformDocument(QObject* parent) : QObject(parent) {
  connect(&undo_, &QUndoStack::cleanChanged, this, &TransformDocument::modifiedChanged);
}

TransformDocument::~TransformDocument() {
  undo_.blockSignals(true);  // a stack that is taken apart says that it is clean
}

void TransformDocument::open(const QString& file, std::string text) {
  undo_.clear();
  undo_.setClean();
  file_ = file;
  text_ = std::move(text);
  disk_digest_ = file.isEmpty() ? std::string() : engine::sha256_hex(text_);
  is_open_ = true;
  Q_EMIT fileChanged();
  Q_EMIT textChanged();
  Q_EMIT modifiedChanged();
}

void TransformDocument::openUnsaved(const QString& file, const std::string& text) {
  const auto found = file.isEmpty() ? std::nullopt : read(file);
  open(found ? file : QString(), found ? *found : std::string());
  setText(text, tr("Recover the unsaved text"));
  endMerge();
}

std::string TransformDocument::digestOf(const QString& file) {
  const auto found = read(file);
  return found ? engine::sha256_hex(*found) : std::string();
}

void TransformDocument::close() {
  open(QString(), std::string());
  is_open_ = false;
  Q_EMIT fileChanged();
  Q_EMIT modifiedChanged();
}

QString TransformDocument::name() const {
  return file_.isEmpty() ? tr("untitled.yaml") : QFileInfo(file_).fileName();
}

void TransformDocument::apply(const engine::TextEdit& edit, const QString& merge_key) {
  if (!edit.empty()) undo_.push(new Step(this, edit, merge_key));
}

void TransformDocument::setText(const std::string& text, const QString& step,
                                const QString& merge_key) {
  apply(engine::difference(text_, text, step.toStdString()), merge_key);
}

std::optional<engine::Problem> TransformDocument::saveTo(const QString& file) {
  QSaveFile target(file);
  const auto failed = [&] {
    return file_problem("unwritable-file", file,
                        tr("%1 cannot be written: %2").arg(file, target.errorString()),
                        tr("Save it under another name or free the place; nothing was lost"));
  };
  if (!target.open(QIODevice::WriteOnly)) return failed();
  const auto size = static_cast<qint64>(text_.size());
  if (target.write(text_.data(), size) != size || !target.commit()) return failed();
  disk_digest_ = engine::sha256_hex(text_);
  const bool renamed = file != file_;
  file_ = file;
  endMerge();
  undo_.setClean();
  if (renamed) Q_EMIT fileChanged();
  Q_EMIT modifiedChanged();
  return std::nullopt;
}

TransformDocument::Disk TransformDocument::disk() const {
  if (file_.isEmpty()) return Disk::same;
  const auto found = read(file_);
  if (!found) return Disk::gone;
  return engine::sha256_hex(*found) == disk_digest_ ? Disk::same : Disk::changed;
}

void TransformDocument::acceptDisk() {
  const auto found = read(file_);
  disk_digest_ = found ? engine::sha256_hex(*found) : std::string();
  if (!found || *found != text_) undo_.resetClean();
}

std::optional<engine::Problem> TransformDocument::takeDisk() {
  const auto found = read(file_);
  if (!found) {
    return file_problem("missing-file", file_, tr("%1 cannot be read any more").arg(file_),
                        tr("Save writes it anew"));
  }
  disk_digest_ = engine::sha256_hex(*found);
  endMerge();
  setText(*found, tr("Take %1 from the disk").arg(name()));
  undo_.setClean();
  return std::nullopt;
}

}  // namespace widgets
