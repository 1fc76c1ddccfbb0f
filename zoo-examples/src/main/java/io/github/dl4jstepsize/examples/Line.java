package io.github.dl4jstepsize.examples;

import io.github.dl4jstepsize.LabPalUpdater;
import io.github.dl4jstepsize.LineProfile;
import io.github.dl4jstepsize.PalUpdater;
import io.github.dl4jstepsize.SlsUpdater;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.style.Styler;

import java.awt.Color;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** One update, and the losses along it. */
final class Line {

    private static final PalUpdater PAL = new PalUpdater();
    private static final LabPalUpdater LABPAL = new LabPalUpdater();
    private static final SlsUpdater SLS = new SlsUpdater();

    private static final Map<String, Color> COLORS = Map.of("this batch", Picture.GREEN, "another batch", Picture.SKY,
            "ten batches", Picture.ORANGE, "training set", Picture.VERMILION, "test set", Picture.PURPLE);

    final int iteration;
    private final double taken;
    final Map<String, LineProfile> profiles;

    Line(int iteration, double taken, Map<String, LineProfile> profiles) {
        this.iteration = iteration;
        this.taken = taken;
        this.profiles = profiles;
    }

    /** Where the methods would step on this line. */
    Map<String, Double> marks() {
        Map<String, Double> marks = new LinkedHashMap<>();
        marks.put("step taken", taken);
        marks.put("PAL, this batch", Math.min(PAL.getMaxStep(),
                PAL.getStepAdaptation() * parabolaMinimum("this batch", PAL.getMeasuringStep())));
        marks.put("Armijo, this batch", armijo());
        marks.put("LABPAL, ten batches", Math.min(LABPAL.getMaxStep(),
                LABPAL.getStepAdaptation() * parabolaMinimum("ten batches", LABPAL.getMeasuringStep())));
        marks.put("best, training set", profiles.get("training set").bestStep());
        return marks;
    }

    /** The minimum of the parabola through loss and slope at 0 and the loss at a measuring step; NaN without one. */
    private double parabolaMinimum(String set, double measuringStep) {
        double slope = slope(set);
        double curvature = (loss(set, measuringStep) - loss(set, 0) - slope * measuringStep) / (measuringStep * measuringStep);
        return slope < 0 && curvature > 0 ? -slope / (2 * curvature) : Double.NaN;
    }

    /** The longest measured step with sufficient decrease. */
    private double armijo() {
        LineProfile profile = profiles.get("this batch");
        double[] steps = profile.steps();
        double start = loss("this batch", 0);
        double slope = slope("this batch");
        for (int i = steps.length - 1; i >= 0 && steps[i] > 0; i--) {
            if (profile.losses()[i] <= start + SLS.getC() * slope * steps[i]) {
                return steps[i];
            }
        }
        return Double.NaN;
    }

    /** The central difference over two measured points next to 0. */
    double slope(String set) {
        double[] steps = profiles.get(set).steps();
        double width = steps[1] - steps[0];
        return (loss(set, width) - loss(set, -width)) / (2 * width);
    }

    private double loss(String set, double step) {
        return between(set, profiles.get(set).losses(), step);
    }

    /** Linear between the measured points. */
    private double between(String set, double[] values, double step) {
        double[] steps = profiles.get(set).steps();
        double position = (step - steps[0]) / (steps[1] - steps[0]);
        int left = Math.max(0, Math.min(steps.length - 2, (int) Math.floor(position)));
        return values[left] + (position - left) * (values[left + 1] - values[left]);
    }

    Path picture(Path directory) {
        return directory.resolve(String.format("iteration-%06d.png", iteration));
    }

    void draw(String title, Path directory) {
        XYChart losses = Picture.chart(title + ", iteration " + iteration + ": loss along the update",
                "step s along the unit direction", "mean loss");
        XYChart accuracies = Picture.chart("Accuracy (solid) and smooth accuracy (dashed)",
                "step s along the unit direction", "accuracy");
        double lowest = Double.POSITIVE_INFINITY;
        double highest = Double.NEGATIVE_INFINITY;
        boolean classes = false;
        for (Map.Entry<String, LineProfile> entry : profiles.entrySet()) {
            LineProfile profile = entry.getValue();
            Color color = COLORS.get(entry.getKey());
            Picture.line(losses, entry.getKey(), curve(profile.steps(), profile.losses()), color, 2.5f);
            for (double loss : profile.losses()) {
                lowest = Math.min(lowest, loss);
                highest = Math.max(highest, loss);
            }
            if (!Double.isNaN(profile.accuracies()[0])) {
                classes = true;
                Picture.line(accuracies, entry.getKey(), curve(profile.steps(), profile.accuracies()), color, 2.5f);
                Picture.dashed(accuracies, entry.getKey() + ", smooth",
                        curve(profile.steps(), profile.smoothAccuracies()), color).setShowInLegend(false);
            }
        }
        LineProfile training = profiles.get("training set");
        double[] fitted = new double[training.steps().length];
        for (int i = 0; i < fitted.length; i++) {
            fitted[i] = training.parabola(training.steps()[i]);
        }
        Picture.dashed(losses, "fitted parabola", curve(training.steps(), fitted), Picture.BLACK);
        int shape = 0;
        for (Map.Entry<String, Double> mark : marks().entrySet()) {
            double step = mark.getValue();
            if (step <= training.steps()[fitted.length - 1]) {
                String set = mark.getKey().endsWith("training set") ? "training set"
                        : mark.getKey().endsWith("ten batches") ? "ten batches" : "this batch";
                mark(losses, mark.getKey(), step, loss(set, step), shape);
                if (classes) {
                    mark(accuracies, mark.getKey(), step, between(set, profiles.get(set).accuracies(), step), shape);
                }
            }
            shape++;
        }
        losses.getStyler().setXAxisMin(null).setYAxisMin(lowest - 0.05 * (highest - lowest));
        accuracies.getStyler().setXAxisMin(null);
        for (XYChart chart : List.of(losses, accuracies)) {
            chart.getStyler().setXAxisDecimalPattern("0.00").setYAxisDecimalPattern("0.00");
            chart.getStyler().setLegendPosition(Styler.LegendPosition.OutsideE);
        }
        Picture.save(classes ? List.of(losses, accuracies) : List.of(losses), picture(directory));
    }

    private static void mark(XYChart chart, String name, double step, double value, int shape) {
        Curve point = new Curve();
        point.add(step, value);
        Picture.mark(chart, name, point, shape);
    }

    private static Curve curve(double[] steps, double[] values) {
        Curve curve = new Curve();
        for (int i = 0; i < steps.length; i++) {
            curve.add(steps[i], values[i]);
        }
        return curve;
    }
}
