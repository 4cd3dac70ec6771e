// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QObject>
#include <QStringList>

namespace widgets {
class NewRuleBar;
class RuleEditor;
class Selection;
}  // namespace widgets

namespace app {

/// From selected layers to a rule: finds the patterns that match exactly them, shows them in the
/// bar, and writes the one that is accepted. GUI thread.
class RuleMaker : public QObject {
  Q_OBJECT

 public:
  RuleMaker(widgets::RuleEditor* editor, widgets::Selection* selection, widgets::NewRuleBar* bar);

  /// Offers a rule for these layers at a place in the list; for none, an empty pattern.
  void offer(const QStringList& layers, int before);
  /// Offers another pattern for a rule: what it hits now and these layers.
  void offerExtended(const QStringList& layers, int rule);

 Q_SIGNALS:
  void made(int rule);

 private:
  void accept();
  void showHits(const QString& pattern);
  void show(const QStringList& layers, const QString& purpose, int before);

  widgets::RuleEditor* editor_;
  widgets::Selection* selection_;
  widgets::NewRuleBar* bar_;
  QStringList wanted_;
  int extended_ = -1;  ///< the rule whose pattern is offered anew; -1: a new rule
};

}  // namespace app
