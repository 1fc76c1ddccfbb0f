package io.github.dl4jstepsize.examples;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;

/** {@code compare}: one network, several updaters, the same initial weights and batches. */
@Command(name = "compare", mixinStandardHelpOptions = true, sortOptions = false,
        description = {"Trains one network with several updaters from identical weights on identical batches.",
            "Prints a table; writes results.csv, results.json and report.html to the folder compare-WORKLOAD. An "
                + "interrupted comparison keeps the epochs that are complete, those of its last seconds aside, and goes on with "
                + "--resume."})
final class Compare implements Callable<Integer> {

    /** From one rate of a grid to the next. */
    private static final double GRID_FACTOR = Math.sqrt(10);

    @Spec
    private CommandSpec spec;

    private static final String ALL = "all";
    private static final String VARIATIONS = "variations";
    private static final String TUTORIALS = "tutorials";

    /** What follows the rate in the name of an updater of the grid. */
    enum GridDecay {
        CONSTANT(""), LINEAR(":" + Updaters.LINEAR), BOTH("", ":" + Updaters.LINEAR);

        private final List<String> suffixes;

        GridDecay(String... suffixes) {
            this.suffixes = List.of(suffixes);
        }
    }

    @Option(names = "--workload", paramLabel = "NAME", split = ",", defaultValue = "digits-lenet",
            completionCandidates = Workloads.Names.class,
            description = "One or more of ${COMPLETION-CANDIDATES}, or all of them: " + ALL + "; "
                    + "or variations of fashion-mlp, fashion-cnn, rows-lstm and regression (label noise, unscaled pixels, "
                    + "columns and targets, other batch sizes, weights and shapes): " + VARIATIONS
                    + ", or one of them, as in mlp-unscaled; or the networks and trainings of DL4J's own examples: "
                    + TUTORIALS + ", or one of them, as in iris; or random-1, random-2 ..., whose data, network and training "
                    + "are drawn at random from the number. Default: ${DEFAULT-VALUE}.")
    private List<String> workloads;

    @Mixin
    private DataFiles files;

    @Option(names = "--updaters", paramLabel = "NAME", split = ",", defaultValue = "auto,labpal,pal,adam,sgd=0.1",
            completionCandidates = Updaters.Names.class,
            description = "Some of ${COMPLETION-CANDIDATES}; DL4J's own also with a rate, as in sgd=0.1, and with one "
                    + "that falls linearly to 0, as in sgd=0.1:linear; ours as in labpal:linear "
                    + "(steps that fall to 0) and labpal:averaged (the average is tested). Default: ${DEFAULT-VALUE}.")
    private List<String> updaters;

    @Option(names = "--grid", paramLabel = "NAME=FROM..TO", split = ",",
            description = "DL4J's updaters with a grid of rates, two per power of ten: sgd=0.001..1,adam=1e-4..1e-1")
    private List<String> grids = List.of();

    @Option(names = "--grid-decay", paramLabel = "KIND", defaultValue = "constant",
            description = "Whether the rates of the grid stay constant, fall to 0 (linear), or both: "
                    + "${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}.")
    private GridDecay gridDecay;

    @Option(names = "--seeds", paramLabel = "N", split = ",", defaultValue = "1,2",
            description = "Seeds of initial weights and of the order of the examples. Default: ${DEFAULT-VALUE}.")
    private List<Long> seeds;

    @Option(names = "--epochs", paramLabel = "N", description = "Passes over the data (default: 4 for digits-lenet, "
            + "otherwise what the workload needs).")
    private Integer epochs;

    @Option(names = "--batch", paramLabel = "N", description = "Examples per batch (default: 128, 32 for small data).")
    private Integer batchSize;

    @Option(names = "--examples", paramLabel = "N", description = "Train on the first N examples only.")
    private Integer examples;

    @Option(names = "--tests", paramLabel = "N", defaultValue = "4",
            description = "Tests per epoch; with many updaters and a large network they take their time. "
                    + "Default: ${DEFAULT-VALUE}.")
    private int tests;

    @Option(names = "--resume", description = "Go on where an interrupted comparison in --out stopped.")
    private boolean resume;

    @Mixin
    private Output output;

    @Override
    public Integer call() {
        List<String> names = new ArrayList<>();
        Map<String, List<String>> groups = Map.of(ALL, Workloads.names(), VARIATIONS, Workloads.variations(),
                TUTORIALS, Workloads.tutorials());
        workloads.forEach(name -> names.addAll(groups.getOrDefault(name, List.of(name))));
        Set<String> contenders = withGrids();
        names.forEach(Workloads::named);
        Updaters.check(contenders);
        Path out = output.directory();
        if (resume && names.stream().noneMatch(name -> Comparison.exists(directory(out, name)))) {
            throw new InputException("there is no " + Comparison.jsonFile(directory(out, names.get(0)))
                    + " to resume from; leave out --resume for the first run");
        }
        System.out.println(Device.description());
        names.forEach(name -> compare(name, new ArrayList<>(contenders), Output.writable(directory(out, name))));
        return 0;
    }

    private static Path directory(Path out, String workload) {
        return out.resolve("compare-" + workload);
    }

    private void compare(String workloadName, List<String> contenders, Path directory) {
        Workload workload = Workloads.named(workloadName);
        Comparison.Settings settings = new Comparison.Settings();
        settings.workload = workloadName;
        settings.updaters = contenders;
        settings.seeds = new ArrayList<>(new LinkedHashSet<>(seeds));
        settings.batchSize = batchSize == null ? workload.batchSize : Arguments.positive(spec, "--batch", batchSize);
        settings.epochs = epochs == null ? defaultEpochs(workloadName, workload)
                : Arguments.positive(spec, "--epochs", epochs);
        settings.testsPerEpoch = Arguments.positive(spec, "--tests", tests);
        settings.examples = examples == null ? Integer.MAX_VALUE : Arguments.positive(spec, "--examples", examples);

        TrainTest data = workload.load(files).withAtMost(settings.examples);
        settings.examples = data.train.numExamples();
        System.out.printf("%s: %s%n", workload.title, settings);
        Comparison comparison = resume && Comparison.exists(directory) ? Comparison.resume(directory, settings)
                : new Comparison(settings, workload);

        WhenInterrupted.say(
                () -> WhenInterrupted.left(Comparison.jsonFile(directory), "What is complete is in " + directory),
                () -> comparison.run(workload, data, directory));
        System.out.print(new Report(comparison).table());
        System.out.println("Curves: " + directory.resolve("report.html"));
    }

    /** The whole digits-lenet training with all updaters and seeds would take longer than a first look should. */
    private static int defaultEpochs(String workloadName, Workload workload) {
        return workloadName.equals("digits-lenet") ? 4 : workload.epochs;
    }

    private Set<String> withGrids() {
        Set<String> all = new LinkedHashSet<>(updaters);
        for (String grid : grids) {
            String[] parts = grid.split("=|\\.\\.(?=[0-9.])");
            try {
                double from = Double.parseDouble(parts[1]);
                double to = Double.parseDouble(parts[2]);
                if (parts.length != 3 || !(from > 0 && from <= to && to < Double.POSITIVE_INFINITY)) {
                    throw new NumberFormatException();
                }
                int last = (int) Math.round(Math.log(to / from) / Math.log(GRID_FACTOR));
                for (String suffix : gridDecay.suffixes) {
                    for (int i = 0; i <= last; i++) {
                        all.add(parts[0] + "=" + Double.valueOf(
                                String.format(Locale.ROOT, "%.1e", from * Math.pow(GRID_FACTOR, i))) + suffix);
                    }
                }
            } catch (NumberFormatException | ArrayIndexOutOfBoundsException e) {
                throw new ParameterException(spec.commandLine(), "--grid " + grid
                        + ": expected an updater and a range of positive rates, as in sgd=0.001..1");
            }
        }
        return all;
    }
}
