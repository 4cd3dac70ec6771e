// SPDX-License-Identifier: GPL-3.0-or-later
// Pictures of widgets beside those that were looked at and kept.
#pragma once

#include <QApplication>
#include <QCryptographicHash>
#include <QFontDatabase>
#include <QImage>
#include <QPainter>
#include <QString>
#include <QWidget>

#include <algorithm>
#include <cstdlib>

namespace tests {

/// How this machine sets the texts of the window, as a digest: another version of Qt, FreeType or
/// the fonts gives another.
inline QString rasteriser() {
  QImage sample(640, 60, QImage::Format_RGB32);
  sample.fill(Qt::white);
  QPainter painter(&sample);
  painter.setFont(QApplication::font());
  painter.drawText(4, 22, QStringLiteral("Hamburgefonstiv 0123456789 × ± → Δ"));
  painter.setFont(QFontDatabase::systemFont(QFontDatabase::FixedFont));
  painter.drawText(4, 48, QStringLiteral("model\\.layers\\.[0-9]+\\.mlp: {q_levels: 256}"));
  painter.end();
  QCryptographicHash hash(QCryptographicHash::Sha256);
  for (int y = 0; y < sample.height(); ++y)
    hash.addData(QByteArrayView(reinterpret_cast<const char*>(sample.constScanLine(y)),
                                qsizetype(sample.width()) * 4));
  return QString::fromLatin1(hash.result().toHex());
}

/// The widget as a screen of this pixel ratio shows it.
inline QImage picture_of(QWidget& widget, double ratio) {
  QImage picture(widget.size() * ratio, QImage::Format_RGB32);
  picture.setDevicePixelRatio(ratio);
  picture.fill(Qt::magenta);
  widget.render(&picture);
  picture.setDevicePixelRatio(1);
  return picture;
}

/// Share of the pixels that differ visibly; 1 for another size. `marked` gets them in red.
inline double visible_difference(const QImage& one, const QImage& other, QImage* marked) {
  if (one.size() != other.size()) return 1;
  constexpr int kVisible = 40;  // of 255 in one channel
  *marked = other.convertToFormat(QImage::Format_Grayscale8).convertToFormat(QImage::Format_RGB32);
  qint64 count = 0;
  for (int y = 0; y < one.height(); ++y) {
    const auto* a = reinterpret_cast<const QRgb*>(one.constScanLine(y));
    const auto* b = reinterpret_cast<const QRgb*>(other.constScanLine(y));
    for (int x = 0; x < one.width(); ++x) {
      const int apart =
          std::max({std::abs(qRed(a[x]) - qRed(b[x])), std::abs(qGreen(a[x]) - qGreen(b[x])),
                    std::abs(qBlue(a[x]) - qBlue(b[x]))});
      if (apart <= kVisible) continue;
      ++count;
      marked->setPixel(x, y, qRgb(255, 0, 0));
    }
  }
  return double(count) / (double(one.width()) * one.height());
}

}  // namespace tests
