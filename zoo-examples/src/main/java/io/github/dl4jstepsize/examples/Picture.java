package io.github.dl4jstepsize.examples;

import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.style.Styler;
import org.knowm.xchart.style.lines.SeriesLines;
import org.knowm.xchart.style.markers.Marker;
import org.knowm.xchart.style.markers.SeriesMarkers;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.DoubleStream;

/** Charts in one style, in the colours of Okabe and Ito, which colour-blind people can tell apart. */
final class Picture {

    static final Color BLUE = new Color(0x0072B2);
    static final Color ORANGE = new Color(0xE69F00);
    static final Color GREEN = new Color(0x009E73);
    static final Color VERMILION = new Color(0xD55E00);
    static final Color PURPLE = new Color(0xCC79A7);
    static final Color SKY = new Color(0x56B4E9);
    static final Color BLACK = Color.BLACK;

    private static final Marker[] MARKERS = {SeriesMarkers.CIRCLE, SeriesMarkers.DIAMOND, SeriesMarkers.SQUARE,
        SeriesMarkers.TRIANGLE_UP, SeriesMarkers.CROSS};

    private static final int WIDTH = 1000;
    private static final int HEIGHT = 420;

    /** A value on a line of the grid is drawn a little above its end, not below it. */
    private static final double ROUNDING = 1e-9;
    /** Ranges of a logarithmic axis: up to the first, nine labels in a decade find room; beyond the second, not one. */
    private static final double MANY_LABELS = 20;
    private static final double MANY_DECADES = 1e8;
    /** Width of the margin after the last point, as a part of the axis. */
    private static final double MARGIN = 0.0123;

    private Picture() {
    }

    static XYChart chart(String title, String horizontal, String vertical) {
        XYChart chart = new XYChartBuilder().width(WIDTH).height(HEIGHT).title(title).xAxisTitle(horizontal)
                .yAxisTitle(vertical).build();
        chart.getStyler().setChartBackgroundColor(Color.WHITE).setPlotBorderVisible(false)
                .setLegendPosition(Styler.LegendPosition.InsideNE).setLegendBorderColor(Color.LIGHT_GRAY)
                .setChartTitleFont(new Font(Font.SANS_SERIF, Font.BOLD, 17)).setChartTitleBoxVisible(false);
        chart.getStyler().setPlotGridLinesColor(new Color(0xE0E0E0))
                .setAxisTitleFont(new Font(Font.SANS_SERIF, Font.PLAIN, 14))
                .setAxisTickLabelsFont(new Font(Font.SANS_SERIF, Font.PLAIN, 12));
        chart.getStyler().setMarkerSize(9);
        chart.getStyler().setXAxisMin(0.0).setXAxisDecimalPattern("0").setXAxisTickMarkSpacingHint(80)
                .setXAxisMaxLabelCount(12);
        return chart;
    }

    /** Makes the vertical axis logarithmic, with round ends; to be called when the lines are there. */
    static void logarithmic(XYChart chart) {
        double lowest = chart.getSeriesMap().values().stream().mapToDouble(XYSeries::getYMin).min().orElse(1);
        double highest = chart.getSeriesMap().values().stream().mapToDouble(XYSeries::getYMax).max().orElse(1);
        if (highest / lowest > MANY_DECADES) {
            manyDecades(chart);
            return;
        }
        double bottom = roundedDown(lowest * (1 - ROUNDING));
        double top = 1 / roundedDown(1 / highest * (1 - ROUNDING));
        chart.getStyler().setYAxisLogarithmic(true).setYAxisMin(bottom).setYAxisMax(top);
        chart.getStyler().setYAxisLogarithmicDecadeOnly(top / bottom > MANY_LABELS);
    }

    /** XChart's logarithmic axis has nine lines and a label for every decade; a linear one of exponents leaves some out. */
    private static void manyDecades(XYChart chart) {
        for (XYSeries series : chart.getSeriesMap().values()) {
            double[] exponents = DoubleStream.of(series.getYData()).map(Math::log10).toArray();
            chart.updateXYSeries(series.getName(), series.getXData(), exponents, null);
        }
        chart.getStyler().setyAxisTickLabelsFormattingFunction(exponent -> String.format("1e%.0f", exponent));
    }

    /** The next of 1, 2 and 5 times a power of ten. */
    private static double roundedDown(double value) {
        double power = Math.pow(10, Math.floor(Math.log10(value)));
        return value >= 5 * power ? 5 * power : value >= 2 * power ? 2 * power : power;
    }

    static XYSeries line(XYChart chart, String name, Curve curve, Color color, float width) {
        XYSeries series = chart.addSeries(name, curve.iterations, curve.values);
        series.setMarker(SeriesMarkers.NONE).setLineStyle(new BasicStroke(width)).setLineColor(color);
        return series;
    }

    /** The values themselves, pale and without an entry in the legend. */
    static void background(XYChart chart, String name, Curve curve, Color color) {
        Color pale = new Color(color.getRed(), color.getGreen(), color.getBlue(), 70);
        line(chart, name, curve, pale, 1).setShowInLegend(false);
    }

    static XYChart lossChart(String title) {
        return chart(title, "iteration", "loss: batch (pale), running mean");
    }

    /** The losses of the batches, and over them a mean with a time constant in iterations; nothing where none can be shown. */
    static void loss(XYChart chart, String name, Curve losses, int timeConstant, Color color) {
        Curve shown = losses.positive();
        if (!shown.values.isEmpty()) {
            background(chart, name + ", every batch", shown, color);
            line(chart, name, shown.runningMean(timeConstant), color, 2.5f);
        }
    }

    static XYSeries dashed(XYChart chart, String name, Curve curve, Color color) {
        XYSeries series = line(chart, name, curve, color, 1.5f);
        series.setLineStyle(new BasicStroke(1.5f, BasicStroke.CAP_BUTT, BasicStroke.JOIN_ROUND, 1, new float[]{6, 4}, 0));
        return series;
    }

    /** Single points; their shapes tell them apart. */
    static void mark(XYChart chart, String name, Curve points, int shape) {
        XYSeries series = chart.addSeries(name, points.iterations, points.values);
        series.setMarker(MARKERS[shape % MARKERS.length]).setMarkerColor(BLACK).setLineStyle(SeriesLines.NONE);
    }

    /**
     * XChart numbers the points instead of the axis if all of them are equally spaced, its ends included; with an end
     * between two points it finds round numbers.
     */
    private static void endAfterTheLastPoint(XYChart chart) {
        double first = chart.getSeriesMap().values().stream().mapToDouble(XYSeries::getXMin).min().orElse(0);
        double last = chart.getSeriesMap().values().stream().mapToDouble(XYSeries::getXMax).max().orElse(1);
        chart.getStyler().setXAxisMax(last + MARGIN * (last - first));
    }

    /** Writes the charts below each other to a PNG. */
    static void save(List<XYChart> charts, Path file) {
        charts.forEach(Picture::endAfterTheLastPoint);
        try {
            BitmapEncoder.saveBitmap(charts, charts.size(), 1, file.toString(), BitmapEncoder.BitmapFormat.PNG);
        } catch (IOException e) {
            throw new InputException(file + " cannot be written", e);
        }
    }
}
