package io.github.dl4jstepsize.examples;

import me.tongfei.progressbar.ProgressBar;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.style.Styler;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

import java.awt.Color;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** {@code ill-conditioned}: the badly conditioned regression of L4's section 3.1 as a picture. */
@Command(name = "ill-conditioned", mixinStandardHelpOptions = true, sortOptions = false,
        description = {"Draws how L4 and constant learning rates do on a regression of condition number 1e10.",
            "L4's section 3.1: a linear 6-6-10 network, trained with L4Mom and L4Adam at their defaults, and with Sgd and "
                + "Adam at the paper's constant rates. More rates: compare --workload ill-conditioned --grid adam=1e-4..1"})
final class IllConditionedCommand implements Callable<Integer> {

    /**
     * The rates are the paper's best ones, 4e-5 for Sgd and 1e-3 for Adam, and one with which Sgd diverges. More of them
     * are for the command compare: Adam with 0.1 goes lower now and then, and jumps (experiments/03-ill-conditioned.txt).
     */
    private static final Map<String, List<String>> CONTENDERS = new LinkedHashMap<>();

    static {
        CONTENDERS.put("L4Mom", List.of("l4"));
        CONTENDERS.put("L4Adam", List.of("l4-adam"));
        CONTENDERS.put("Sgd", List.of("sgd=3e-5", "sgd=1e-4"));
        CONTENDERS.put("Adam", List.of("adam=1e-3"));
    }

    private static final List<Color> COLORS = List.of(Picture.BLUE, Picture.GREEN, Picture.ORANGE, Picture.VERMILION);
    /** With large rates the loss jumps by many decades: where a training ends is the mean of so many iterations. */
    private static final int LAST = 1000;
    /** Points of a curve that a picture of 1,000 pixels can show. */
    private static final int POINTS = 1000;

    @Spec
    private CommandSpec spec;

    @Option(names = "--iterations", paramLabel = "N", defaultValue = "20000",
            description = "Length of each training. Default: ${DEFAULT-VALUE}, as in the paper's Figure 2.")
    private int iterations;

    @Option(names = "--seed", paramLabel = "N", defaultValue = "1",
            description = "Seed of the initial weights. Default: ${DEFAULT-VALUE}.")
    private long seed;

    @Mixin
    private Output output;

    @Override
    public Integer call() {
        Arguments.positive(spec, "--iterations", iterations);
        Path picture = output.directory().resolve("ill-conditioned.png");
        Workload workload = Workloads.named("ill-conditioned");
        Map<String, Curve> curves = train(workload);

        XYChart chart = Picture.chart(workload.title, "iteration", "loss, sum over 1,000 samples");
        int color = 0;
        for (Map.Entry<String, List<String>> method : CONTENDERS.entrySet()) {
            draw(method.getKey(), method.getValue(), curves, COLORS.get(color++), chart);
        }
        Picture.logarithmic(chart);
        chart.getStyler().setLegendPosition(Styler.LegendPosition.OutsideE);
        Picture.save(List.of(chart), picture);
        System.out.println("Losses: " + picture);
        return 0;
    }

    /** The losses before every iteration and after the last, for each updater; on all processors. */
    private Map<String, Curve> train(Workload workload) {
        TrainTest data = IllConditioned.load();
        List<String> names = new ArrayList<>();
        CONTENDERS.values().forEach(names::addAll);
        ExecutorService threads = Executors.newFixedThreadPool(Runtime.getRuntime().availableProcessors());
        try (ProgressBar bar = Progress.bar("trainings", (long) names.size() * iterations, " iterations")) {
            Map<String, Future<Curve>> running = new LinkedHashMap<>();
            names.forEach(name -> running.put(name, threads.submit(() -> train(workload, data, name, bar))));
            Map<String, Curve> curves = new LinkedHashMap<>();
            for (Map.Entry<String, Future<Curve>> training : running.entrySet()) {
                curves.put(training.getKey(), training.getValue().get());
            }
            return curves;
        } catch (InterruptedException | ExecutionException e) {
            throw new IllegalStateException(e);
        } finally {
            threads.shutdownNow();
        }
    }

    private Curve train(Workload workload, TrainTest data, String updater, ProgressBar bar) {
        Network network = workload.network(data, Updaters.named(updater, iterations), seed);
        Curve losses = new Curve();
        for (int i = 0; i < iterations; i++) {
            network.fit(data.train);
            losses.add(i, network.loss());
            bar.step();
            if (!Double.isFinite(losses.last())) {
                bar.stepBy(iterations - i - 1);
                return losses;
            }
        }
        losses.add(iterations, network.loss(data.train));
        return losses;
    }

    /** Prints all losses; draws the best curve thick, others pale, and none that diverged: it would hide the rest. */
    private static void draw(String method, List<String> updaters, Map<String, Curve> curves, Color color,
                             XYChart chart) {
        String best = updaters.stream().filter(updater -> Double.isFinite(curves.get(updater).last()))
                .min(Comparator.comparing(updater -> curves.get(updater).meanOfLast(LAST))).orElse(null);
        for (String updater : updaters) {
            Curve losses = curves.get(updater);
            int last = losses.values.size() - 1;
            boolean finite = Double.isFinite(losses.last());
            String name = String.format("%-7s %-5s", method, updater.contains("=") ? updater.split("=")[1] : "");
            if (finite) {
                System.out.printf(Locale.ROOT, "%s loss %.3g in the mean of the last %d of %d iterations, %.3g at the end%n",
                        name, losses.meanOfLast(LAST), Math.min(LAST, last), last, losses.last());
            } else {
                System.out.printf("%s diverged after %d iterations%n", name, last);
            }
            Curve thinned = losses.thinned(POINTS).positive();
            if (updater.equals(best)) {
                Picture.line(chart, updater.contains("=") ? updater : method, thinned, color, 2);
            } else if (finite) {
                Picture.background(chart, updater, thinned, color);
            }
        }
    }
}
