package io.github.dl4jstepsize.examples;

import io.github.dl4jstepsize.LineProfile;
import me.tongfei.progressbar.ProgressBar;
import org.apache.commons.math3.stat.StatUtils;
import org.apache.commons.math3.stat.correlation.PearsonsCorrelation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;

/** {@code landscape}: what loss and accuracy look like along the updates of a running training. */
@Command(name = "landscape", mixinStandardHelpOptions = true, sortOptions = false,
        description = {"Draws loss and accuracy along the update direction at some iterations of a training.",
            "Lines are measured on the batch of the update, another one, ten batches, the whole training set and the test "
                + "data. A picture per iteration, a page that scrubs through them, and the claims of the PAL and LABPAL "
                + "papers checked in figures."})
final class Landscape implements Callable<Integer> {

    private static final int LARGE_BATCH = 10;
    /** How far back lines are measured, as a part of how far ahead: enough to see whether a parabola goes on there. */
    private static final double BEHIND = 0.3;
    private static final int MEASURING_BATCH = 1000;
    private static final int FEWEST_POINTS = 5;
    /** Share of a line's range of losses that rounding errors in float32 and kinks of rectified units may cost. */
    private static final double CONVEXITY_TOLERANCE = 0.01;

    @Spec
    private CommandSpec spec;

    @Option(names = "--workload", paramLabel = "NAME", defaultValue = "digits-mlp",
            completionCandidates = Workloads.Names.class,
            description = "One of ${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}.")
    private String workloadName;

    @Mixin
    private DataFiles files;

    @Option(names = "--updater", paramLabel = "NAME", defaultValue = "pal", completionCandidates = Updaters.Names.class,
            description = "Whose training: one of ${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}.")
    private String updater;

    @Option(names = "--lines", paramLabel = "N", defaultValue = "8",
            description = "Number of iterations at which a line is measured. Default: ${DEFAULT-VALUE}.")
    private int lines;

    @Option(names = "--every", paramLabel = "N", defaultValue = "20",
            description = "Iterations from one line to the next. Default: ${DEFAULT-VALUE}.")
    private int every;

    @Option(names = "--points", paramLabel = "N", defaultValue = "27",
            description = "Points on a line, " + FEWEST_POINTS + " or more. Default: ${DEFAULT-VALUE}.")
    private int points;

    @Option(names = "--range", paramLabel = "S", defaultValue = "1",
            description = "Lines are measured from " + -BEHIND + " S to S, S being a distance in parameter space. "
                    + "Default: ${DEFAULT-VALUE}.")
    private double range;

    @Option(names = "--examples", paramLabel = "N", description = "Use the first N training examples only.")
    private Integer examples;

    @Option(names = "--seed", paramLabel = "N", defaultValue = "1",
            description = "Seed of initial weights and of the order of the examples. Default: ${DEFAULT-VALUE}.")
    private long seed;

    @Mixin
    private Output output;

    @Override
    public Integer call() {
        Workload workload = Workloads.named(workloadName);
        Arguments.positive(spec, "--lines", lines);
        Arguments.positive(spec, "--every", every);
        if (points < FEWEST_POINTS) {
            throw new ParameterException(spec.commandLine(),
                    "--points has to be " + FEWEST_POINTS + " or greater, but is " + points);
        }
        if (!(range > 0 && range < Double.POSITIVE_INFINITY)) {
            throw new ParameterException(spec.commandLine(),
                    "--range has to be greater than 0 and finite, but is " + range);
        }
        Path directory = Output.writable(output.directory().resolve("landscape-" + workloadName));
        TrainTest data = workload.load(files);
        if (examples != null) {
            data = data.withAtMost(Arguments.positive(spec, "--examples", examples));
        }
        System.out.println(Device.description());
        Network network = workload.network(data, Updaters.named(updater, lines * every), seed);
        Updaters.tellLength(network, updater, lines * every);

        List<Line> measured = measure(workload, data, network);
        for (Line line : measured) {
            line.draw(workload.title, directory);
        }
        writePage(workload, measured, directory.resolve("landscape.html"));
        System.out.print(claims(measured));
        System.out.println("Pictures: " + directory.resolve("landscape.html"));
        return 0;
    }

    private List<Line> measure(Workload workload, TrainTest data, Network network) {
        List<Line> measured = new ArrayList<>();
        int iteration = 0;
        try (ProgressBar bar = Progress.bar("lines", lines, " lines")) {
            for (int epoch = 0; measured.size() < lines; epoch++) {
                Batches batches = Batches.shuffled(data.train, workload.batchSize, seed, epoch);
                network.startEpoch();
                while (batches.hasNext() && measured.size() < lines) {
                    DataSet batch = batches.next();
                    if (iteration < measured.size() * every) {
                        network.fit(batch);
                    } else {
                        INDArray before = network.model().params().dup();
                        network.fit(batch);
                        INDArray direction = LineProfile.updateDirection(network.model(), before);
                        // Some methods only measure on some batches; the next one that moves is as good.
                        if (direction.norm2Number().doubleValue() > 0) {
                            measured.add(line(workload, data, network, batch, iteration, before, direction));
                            bar.step();
                        }
                    }
                    iteration++;
                }
                network.endEpoch();
            }
        }
        return measured;
    }

    private Line line(Workload workload, TrainTest data, Network network, DataSet batch, int iteration, INDArray before,
                      INDArray direction) {
        Map<String, DataSetIterator> sets = new LinkedHashMap<>();
        sets.put("this batch", Batches.inOrder(batch, MEASURING_BATCH));
        Batches others = Batches.shuffled(data.train, workload.batchSize, seed + 1, iteration);
        sets.put("another batch", Batches.inOrder(others.next(), MEASURING_BATCH));
        sets.put("ten batches", Batches.inOrder(
                Batches.shuffled(data.train, LARGE_BATCH * workload.batchSize, seed + 2, iteration).next(), MEASURING_BATCH));
        sets.put("training set", Batches.inOrder(data.train, MEASURING_BATCH));
        sets.put("test set", Batches.inOrder(data.test, MEASURING_BATCH));
        double[] steps = LineProfile.steps(-BEHIND * range, range, points);
        Map<String, LineProfile> profiles = new LinkedHashMap<>();
        sets.forEach((name, set) -> profiles.put(name, LineProfile.measure(network.model(), before, direction, steps, set)));
        return new Line(iteration, direction.norm2Number().doubleValue(), profiles);
    }

    /** What the papers claim, in figures of these lines. */
    private static String claims(List<Line> lines) {
        StringBuilder text = new StringBuilder(String.format("%9s %9s %9s %9s %9s %9s%n", "iteration", "step", "PAL", "Armijo",
                "LABPAL", "best"));
        for (Line line : lines) {
            text.append(String.format(Locale.ROOT, "%9d", line.iteration));
            line.marks().values().forEach(step -> text.append(String.format(Locale.ROOT, " %9.3g", step)));
            text.append('\n');
        }
        for (String set : List.of("this batch", "training set")) {
            text.append(String.format(Locale.ROOT, "%-13s convex: %3.0f %% of the lines; fitted parabola off by %.2f %% of the"
                            + " line's range of losses (mean)%n", set + ",",
                    100 * lines.stream().mapToInt(line -> line.profiles.get(set).isConvex(CONVEXITY_TOLERANCE) ? 1 : 0)
                            .average().orElse(Double.NaN),
                    100 * lines.stream().mapToDouble(line -> relativeError(line.profiles.get(set))).average()
                            .orElse(Double.NaN)));
        }
        double[] best = lines.stream().mapToDouble(line -> line.profiles.get("training set").bestStep()).toArray();
        double[] slopes = lines.stream().mapToDouble(line -> -line.slope("training set")).toArray();
        int half = best.length / 2;
        text.append(String.format(Locale.ROOT, "best step on the training set: mean %.3g in the first half of the training, %.3g"
                        + " in the second%n", StatUtils.mean(Arrays.copyOf(best, half)),
                StatUtils.mean(Arrays.copyOfRange(best, half, best.length))));
        text.append(String.format(Locale.ROOT, "correlation of the best step with the descent at 0 along the line: %.2f%n",
                best.length < 2 ? Double.NaN : new PearsonsCorrelation().correlation(best, slopes)));
        return text.toString();
    }

    private static double relativeError(LineProfile profile) {
        double lowest = Arrays.stream(profile.losses()).min().orElseThrow();
        double highest = Arrays.stream(profile.losses()).max().orElseThrow();
        return profile.parabolaError() / (highest - lowest);
    }

    private static void writePage(Workload workload, List<Line> lines, Path page) {
        try {
            List<String> images = new ArrayList<>();
            for (Line line : lines) {
                byte[] png = Files.readAllBytes(line.picture(page.getParent()));
                images.add("\"data:image/png;base64," + Base64.getEncoder().encodeToString(png) + "\"");
            }
            String template = new String(Landscape.class.getResourceAsStream("/landscape.html").readAllBytes(),
                    StandardCharsets.UTF_8);
            Files.writeString(page, template
                    .replace("TITLE", workload.title)
                    .replace("CLAIMS", claims(lines).replace("&", "&amp;").replace("<", "&lt;"))
                    .replace("/*ITERATIONS*/", lines.stream().map(line -> "" + line.iteration).collect(Collectors.joining(",")))
                    .replace("/*IMAGES*/", String.join(",\n", images)));
        } catch (IOException e) {
            throw new InputException(page + " cannot be written", e);
        }
    }
}
