package io.github.dl4jstepsize.examples;

import me.tongfei.progressbar.ProgressBar;
import org.knowm.xchart.XYChart;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

import java.awt.Color;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;

/** {@code ill-conditioned}: the badly conditioned regression of L4's section 3.1 as a picture. */
@Command(name = "ill-conditioned", mixinStandardHelpOptions = true, sortOptions = false,
        description = {"Trains a linear 6-6-10 network on a regression of condition number 1e10 (L4's section 3.1) with L4Mom and",
            "L4Adam at their defaults, and with Sgd and Adam at the best constant rates of a grid."})
final class IllConditionedCommand implements Callable<Integer> {

    private static final List<Color> COLORS = List.of(Picture.BLUE, Picture.GREEN, Picture.ORANGE, Picture.VERMILION);
    /** Points of a curve that a picture of 1,000 pixels can show. */
    private static final int POINTS = 1000;

    @Spec
    private CommandSpec spec;

    @Option(names = "--iterations", paramLabel = "N", defaultValue = "20000",
            description = "Length of each training. Default: ${DEFAULT-VALUE}, as in the paper's Figure 2.")
    private int iterations;

    @Option(names = "--seed", paramLabel = "N", defaultValue = "1",
            description = "Seed of the problem and of the initial weights. Default: ${DEFAULT-VALUE}.")
    private long seed;

    @Mixin
    private Output output;

    @Override
    public Integer call() {
        Arguments.positive(spec, "--iterations", iterations);
        Path picture = output.directory().resolve("ill-conditioned.png");
        Map<String, double[]> curves;
        try (ProgressBar bar = Progress.bar("trainings", IllConditioned.TRAININGS, "")) {
            curves = IllConditioned.curves(seed, iterations, bar::step);
        }
        XYChart chart = Picture.chart("Linear regression, condition number 1e10", "iteration", "loss, sum over 1,000 samples");
        Iterator<Color> colors = COLORS.iterator();
        curves.forEach((name, losses) -> {
            System.out.printf(Locale.ROOT, "%-14s loss %.3g after %d iterations%n", name, losses[iterations], iterations);
            Picture.line(chart, name, thinned(losses).positive(), colors.next(), 1.5f);
        });
        Picture.logarithmic(chart);
        Picture.save(List.of(chart), picture);
        System.out.println("Losses: " + picture);
        return 0;
    }

    private static Curve thinned(double[] losses) {
        Curve curve = new Curve();
        int every = Math.max(1, losses.length / POINTS);
        for (int i = 0; i < losses.length; i += every) {
            curve.add(i, losses[i]);
        }
        return curve;
    }
}
