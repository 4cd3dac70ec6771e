// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/models/run_notes.h"

#include <QSettings>

namespace widgets {
namespace {

constexpr qsizetype kMostBaselines = 50;
const QString kBaselines = QStringLiteral("compare/baselines");

QString place_of(const QString& key, const char* what) {
  return QStringLiteral("runs/%1/%2").arg(key, QLatin1String(what));
}

QString choice_place(const QString& name) { return QStringLiteral("compare/") + name; }

}  // namespace

void RunNotes::setStore(QSettings* settings) {
  settings_ = settings;
  notes_.clear();
  choices_.clear();
  baselines_ = settings_ == nullptr ? QStringList() : settings_->value(kBaselines).toStringList();
}

const RunNote& RunNotes::of(const QString& key) const {
  const auto known = notes_.find(key);
  if (known != notes_.end()) return known->second;
  RunNote note;
  if (settings_ != nullptr) {
    note.tags = settings_->value(place_of(key, "tags")).toStringList();
    note.text = settings_->value(place_of(key, "note")).toString();
    note.pinned = settings_->value(place_of(key, "pinned")).toBool();
  }
  return notes_.emplace(key, std::move(note)).first->second;
}

void RunNotes::set(const QString& key, const RunNote& note) {
  if (of(key) == note) return;
  notes_[key] = note;
  if (settings_ != nullptr) {
    const auto keep = [&](const char* what, const QVariant& value, bool is_said) {
      if (is_said) {
        settings_->setValue(place_of(key, what), value);
      } else {
        settings_->remove(place_of(key, what));
      }
    };
    keep("tags", note.tags, !note.tags.isEmpty());
    keep("note", note.text, !note.text.isEmpty());
    keep("pinned", true, note.pinned);
  }
  Q_EMIT changed(key);
}

QStringList RunNotes::baselines() const { return baselines_; }

void RunNotes::rememberBaseline(const QString& key) {
  baselines_.removeAll(key);
  baselines_.prepend(key);
  baselines_ = baselines_.mid(0, kMostBaselines);
  if (settings_ != nullptr) settings_->setValue(kBaselines, baselines_);
}

QString RunNotes::choice(const QString& name) const {
  const auto known = choices_.find(name);
  if (known != choices_.end()) return known->second;
  return settings_ == nullptr ? QString() : settings_->value(choice_place(name)).toString();
}

void RunNotes::setChoice(const QString& name, const QString& value) {
  if (choice(name) == value) return;
  choices_[name] = value;
  if (settings_ != nullptr) settings_->setValue(choice_place(name), value);
}

QStringList tags_from(const QString& text) {
  QStringList tags;
  for (const QString& part : text.split(QLatin1Char(','))) {
    const QString tag = part.simplified();
    if (!tag.isEmpty() && !tags.contains(tag)) tags << tag;
  }
  return tags;
}

}  // namespace widgets
