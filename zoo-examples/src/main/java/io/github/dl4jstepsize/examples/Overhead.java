package io.github.dl4jstepsize.examples;

import me.tongfei.progressbar.ProgressBar;
import org.apache.commons.math3.stat.descriptive.rank.Median;
import org.deeplearning4j.nn.weights.WeightInit;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.style.Styler;
import org.knowm.xchart.style.markers.SeriesMarkers;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

import java.awt.Color;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;

/** {@code overhead}: what a method costs beside DL4J's updater with the same direction. */
@Command(name = "overhead", mixinStandardHelpOptions = true, sortOptions = false,
        description = {"Measures the time of a batch in units of DL4J's own updater, for networks of many sizes.",
            "One hidden layer, noise as data. The updaters take turns batch by batch; ratios are medians."})
final class Overhead implements Callable<Integer> {

    private static final int INPUTS = 100;
    private static final int CLASSES = 10;
    private static final int WARM_UP = 5;
    /** So many parameters are trained in all with each updater: large networks are slow and noise matters less there. */
    private static final double PARAMETER_ITERATIONS = 1e8;
    private static final int FEWEST_ITERATIONS = 9;
    private static final int MOST_ITERATIONS = 200;
    private static final List<Color> COLORS = List.of(Picture.BLUE, Picture.ORANGE, Picture.GREEN, Picture.VERMILION,
            Picture.PURPLE, Picture.SKY);

    @Spec
    private CommandSpec spec;

    @Option(names = "--updaters", paramLabel = "NAME=BASE", split = ",",
            defaultValue = "auto=adam,fan=adam,l4-adam=adam,l4=nesterovs",
            description = "Updaters, and those of DL4J's to measure them by. Default: ${DEFAULT-VALUE}.")
    private Map<String, String> updaters;

    @Option(names = "--parameters", paramLabel = "N", split = ",", defaultValue = "10000,100000,1000000,10000000",
            description = "Numbers of parameters, approximately. Default: ${DEFAULT-VALUE}.")
    private List<Integer> sizes;

    @Option(names = "--batch", paramLabel = "N", defaultValue = "128",
            description = "Examples per batch. Default: ${DEFAULT-VALUE}.")
    private int batchSize;

    @Mixin
    private Output output;

    @Override
    public Integer call() {
        Arguments.positive(spec, "--batch", batchSize);
        sizes.forEach(size -> Arguments.positive(spec, "--parameters", size));
        Updaters.check(updaters.keySet());
        Updaters.check(updaters.values());
        Path picture = output.directory().resolve("overhead.png");
        System.out.println(Device.description());

        Map<String, Curve> curves = new LinkedHashMap<>();
        updaters.keySet().forEach(name -> curves.put(name, new Curve()));
        for (int size : sizes) {
            Map<String, Network> networks = networks(size);
            long parameters = networks.values().iterator().next().model().numParams();
            Map<String, List<Double>> seconds = measure(networks, parameters);
            updaters.forEach((name, base) -> {
                List<Double> ours = seconds.get(name);
                List<Double> theirs = seconds.get(base);
                double ratio = new Median().evaluate(
                        IntStream.range(0, ours.size()).mapToDouble(i -> ours.get(i) / theirs.get(i)).toArray());
                curves.get(name).add(Math.log10(parameters), ratio);
                System.out.printf(Locale.ROOT, "%,11d parameters  %-14s %.3f of %s (%.2f ms)%n", parameters, name, ratio,
                        base, 1000 * new Median().evaluate(theirs.stream().mapToDouble(Double::doubleValue).toArray()));
            });
        }
        draw(curves, picture);
        System.out.println("Ratios: " + picture);
        return 0;
    }

    private Map<String, Network> networks(int size) {
        int hidden = Math.max(1, size / (INPUTS + CLASSES + 1));
        TrainTest data = new TrainTest(noise(), null);
        Map<String, Network> networks = new LinkedHashMap<>();
        List<String> names = new ArrayList<>(updaters.keySet());
        names.addAll(updaters.values());
        for (String name : names) {
            networks.computeIfAbsent(name, any -> {
                int length = WARM_UP + MOST_ITERATIONS;
                Network network = new Network(Networks.perceptron(WeightInit.RELU, false, hidden)
                        .build(data, Updaters.named(name, length), 1));
                Updaters.tellLength(network, name, length);
                return network;
            });
        }
        return networks;
    }

    private DataSet noise() {
        INDArray labels = Nd4j.zeros(batchSize, CLASSES);
        for (int i = 0; i < batchSize; i++) {
            labels.putScalar(i, i % CLASSES, 1);
        }
        return new DataSet(Nd4j.rand(batchSize, INPUTS), labels);
    }

    private Map<String, List<Double>> measure(Map<String, Network> networks, long parameters) {
        int iterations = (int) Math.max(FEWEST_ITERATIONS, Math.min(MOST_ITERATIONS, PARAMETER_ITERATIONS / parameters));
        Map<String, List<Double>> seconds = new LinkedHashMap<>();
        networks.keySet().forEach(name -> seconds.put(name, new ArrayList<>()));
        DataSet batch = noise();
        List<String> turn = new ArrayList<>(networks.keySet());
        try (ProgressBar bar = Progress.bar(String.format(Locale.ROOT, "%,d", parameters), WARM_UP + iterations, " batches")) {
            for (int i = 0; i < WARM_UP + iterations; i++) {
                for (String name : turn) {
                    long start = System.nanoTime();
                    networks.get(name).fit(batch);
                    if (i >= WARM_UP) {
                        seconds.get(name).add((System.nanoTime() - start) / 1e9);
                    }
                }
                // Whoever comes first has the batch in no cache.
                Collections.reverse(turn);
                bar.step();
            }
        }
        return seconds;
    }

    private void draw(Map<String, Curve> curves, Path picture) {
        XYChart chart = Picture.chart("Time per batch of " + batchSize + ", in units of DL4J's updater", "parameters",
                "ratio of times");
        int color = 0;
        for (Map.Entry<String, Curve> curve : curves.entrySet()) {
            Color ofThis = COLORS.get(color++ % COLORS.size());
            Picture.line(chart, curve.getKey() + " / " + updaters.get(curve.getKey()), curve.getValue(), ofThis, 2.5f)
                    .setMarker(SeriesMarkers.CIRCLE).setMarkerColor(ofThis);
        }
        double smallest = curves.values().stream().flatMap(curve -> curve.iterations.stream()).mapToDouble(Double::doubleValue)
                .min().orElse(1);
        double highest = curves.values().stream().flatMap(curve -> curve.values.stream()).mapToDouble(Double::doubleValue)
                .max().orElse(1);
        chart.getStyler().setYAxisMin(0.0).setYAxisMax(1.1 * Math.max(1, highest)).setYAxisDecimalPattern("0.0");
        // XChart fails if all labels are empty.
        chart.getStyler().setXAxisMin(Math.ceil(smallest) - 1).setxAxisTickLabelsFormattingFunction(
                exponent -> exponent == Math.rint(exponent) ? String.format("1e%.0f", exponent) : " ");
        chart.getStyler().setLegendPosition(Styler.LegendPosition.OutsideE);
        Picture.save(List.of(chart), picture);
    }
}
