// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plots/plot_export.h"

#include "widgets/plots/custom_plot.h"

#include <QBuffer>
#include <QFileInfo>
#include <QImage>
#include <QObject>
#include <QPageSize>
#include <QPdfWriter>
#include <QSaveFile>
#include <QSvgGenerator>

namespace widgets {
namespace {

constexpr int kDotsPerInch = 96;
constexpr int kOversampling = 2;

void paint(QPaintDevice* device, const std::vector<FigurePart>& parts, double scale, bool vector) {
  QCPPainter painter;
  painter.begin(device);
  painter.setRenderHint(QPainter::TextAntialiasing);
  if (vector) painter.setMode(QCPPainter::pmVectorized);
  painter.setMode(QCPPainter::pmNoCaching);
  for (const auto& part : parts) {
    painter.save();
    painter.scale(scale, scale);
    painter.translate(part.left, part.top);
    part.plot->toPainter(&painter, part.width, part.height);
    painter.restore();
  }
  painter.end();
}

QByteArray picture(const QString& suffix, const std::vector<FigurePart>& parts, const QSize& size) {
  QByteArray bytes;
  QBuffer buffer(&bytes);
  buffer.open(QIODevice::WriteOnly);
  if (suffix == QLatin1String("svg")) {
    QSvgGenerator svg;
    svg.setOutputDevice(&buffer);
    svg.setSize(size);
    svg.setViewBox(QRect(QPoint(0, 0), size));
    svg.setResolution(kDotsPerInch);
    paint(&svg, parts, 1, true);
  } else if (suffix == QLatin1String("pdf")) {
    QPdfWriter pdf(&buffer);
    constexpr double kPoints = 72.0 / kDotsPerInch;
    pdf.setPageSize(
        QPageSize(QSizeF(size) * kPoints, QPageSize::Point, QString(), QPageSize::ExactMatch));
    pdf.setPageMargins({0, 0, 0, 0});
    pdf.setResolution(kDotsPerInch * 4);
    paint(&pdf, parts, 4, true);
  } else if (suffix == QLatin1String("png")) {
    QImage image(size * kOversampling, QImage::Format_RGB32);
    image.fill(Qt::white);
    image.setDotsPerMeterX(qRound(kDotsPerInch * kOversampling / 0.0254));
    image.setDotsPerMeterY(image.dotsPerMeterX());
    paint(&image, parts, kOversampling, false);
    image.save(&buffer, "PNG");
  }
  return bytes;
}

}  // namespace

QString export_figure(const QString& file, const std::vector<FigurePart>& parts,
                      const QSize& size) {
  const QString suffix = QFileInfo(file).suffix().toLower();
  const QByteArray bytes = picture(suffix, parts, size);
  if (bytes.isEmpty()) {
    return QObject::tr("%1: a figure is written as .svg, .pdf or .png").arg(file);
  }
  QSaveFile saved(file);
  if (!saved.open(QIODevice::WriteOnly) || saved.write(bytes) != bytes.size() || !saved.commit()) {
    return QObject::tr("%1: %2").arg(file, saved.errorString());
  }
  return {};
}

}  // namespace widgets
