package io.github.dl4jstepsize.examples;

import org.knowm.xchart.XYChart;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.IntFunction;
import java.util.function.Supplier;

/** {@code train}: one network, without a learning rate and with DL4J's Adam. */
@Command(name = "train", mixinStandardHelpOptions = true, sortOptions = false,
        description = {"Trains a network without a learning rate, and the same network with DL4J's Adam beside it.",
            "Prints test accuracies; draws loss and step size."})
final class Train implements Callable<Integer> {

    /** Time constant of the curve drawn over the noisy losses, in iterations. */
    private static final int RUNNING_MEAN = 20;

    private static final Map<String, String> SHORT_NAMES = Map.of("digits", "digits-lenet", "fashion-mnist", "fashion-mlp");

    @Spec
    private CommandSpec spec;

    @Option(names = "--data", paramLabel = "NAME", defaultValue = "digits", completionCandidates = Workloads.Names.class,
            description = "digits: the embedded UCI digits, with the zoo's LeNet. "
                    + "fashion-mnist: 60,000 images, with a perceptron 784-512-256-10. "
                    + "Or a workload of compare: ${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}.")
    private String data;

    @Mixin
    private DataFiles files;

    @Option(names = "--updater", paramLabel = "NAME", defaultValue = "auto", completionCandidates = Updaters.Names.class,
            description = "One of ${COMPLETION-CANDIDATES}; DL4J's own also with a rate, as in sgd=0.1, all with "
                    + "steps that fall linearly to 0, as in sgd=0.1:linear, ours tested by an average, as in pal:averaged. "
                    + "Default: ${DEFAULT-VALUE}.")
    private String updater;

    @Option(names = "--baseline", paramLabel = "NAME", defaultValue = "adam",
            description = "Another updater to compare with, or none. Default: ${DEFAULT-VALUE}.")
    private String baseline;

    @Option(names = "--epochs", paramLabel = "N", description = "Passes over the data (default: what the workload needs).")
    private Integer epochs;

    @Option(names = "--batch", paramLabel = "N", description = "Examples per batch (default: 128, 32 for small data).")
    private Integer batchSize;

    @Option(names = "--seed", paramLabel = "N", defaultValue = "1",
            description = "Seed of initial weights and of the order of the examples. Default: ${DEFAULT-VALUE}.")
    private long seed;

    @Option(names = "--checkpoint", paramLabel = "DIR", description = "Save the network here after every epoch.")
    private Path checkpoint;

    @Option(names = "--resume", description = "Go on from the network in the --checkpoint directory.")
    private boolean resume;

    @Option(names = "--ui", description = "Show DL4J's training UI in the browser while the network trains.")
    private boolean ui;

    @Mixin
    private Output output;

    @Override
    public Integer call() {
        Workload workload = Workloads.named(SHORT_NAMES.getOrDefault(data, data));
        int lastEpoch = epochs == null ? workload.epochs : Arguments.positive(spec, "--epochs", epochs);
        int examplesPerBatch = batchSize == null ? workload.batchSize : Arguments.positive(spec, "--batch", batchSize);
        if (resume && checkpoint == null) {
            throw new ParameterException(spec.commandLine(), "--resume needs --checkpoint DIR, to know from where");
        }
        boolean alone = baseline.equals("none");
        Updaters.check(alone ? List.of(updater) : List.of(updater, baseline));
        Path picture = output.directory().resolve("train-" + data + "-" + Updaters.inFileName(updater) + ".png");
        Path saved = checkpoint == null ? null : Output.writable(checkpoint).resolve("model.zip");

        System.out.println(Device.description());
        TrainTest examples = workload.load(files);
        System.out.printf("%s: %d training and %d test examples, %d epochs of batches of %d, seed %d%n", workload.title,
                examples.train.numExamples(), examples.test.numExamples(), lastEpoch, examplesPerBatch, seed);

        IntFunction<Batches> batches = epoch -> Batches.shuffled(examples.train, examplesPerBatch, seed, epoch);
        int iterations = lastEpoch * batches.apply(0).count();
        Network fresh = workload.network(examples, Updaters.named(updater, iterations), seed);
        Network network = resume ? resume(saved, fresh) : fresh;
        if (network.epochs() >= lastEpoch) {
            System.out.println("All epochs were complete; give a higher --epochs to train on.");
            return 0;
        }
        Updaters.tellLength(network, updater, iterations);
        if (ui) {
            TrainingUi.show(network);
        }
        Training training = new Training(network);
        Supplier<String> left = () -> saved == null ? WhenInterrupted.NOTHING + "; --checkpoint DIR would have kept it"
                : WhenInterrupted.left(saved, "The epochs that are complete are in " + saved);
        WhenInterrupted.say(left, () -> training.run(label(updater), lastEpoch, batches.apply(0).count(), batches, () -> {
            if (saved != null) {
                network.save(saved);
            }
        }));
        report(updater, workload, examples, training);
        XYChart losses = Picture.lossChart(workload.title + ": training loss");
        Picture.loss(losses, updater, training.loss, RUNNING_MEAN, Picture.BLUE);

        if (!alone) {
            Network beside = workload.network(examples, Updaters.named(baseline, iterations), seed);
            Updaters.tellLength(beside, baseline, iterations);
            Training other = new Training(beside);
            other.run(label(baseline), lastEpoch, batches.apply(0).count(), batches, () -> { });
            report(baseline, workload, examples, other);
            Picture.loss(losses, baseline + " (baseline)", other.loss, RUNNING_MEAN, Picture.ORANGE);
        }

        Picture.logarithmic(losses);
        XYChart steps = Picture.chart("Step size of " + updater, "iteration", "step size");
        Curve stepSize = training.stepSize.positive();
        if (!stepSize.values.isEmpty()) {
            Picture.line(steps, updater, stepSize, Picture.BLUE, 2);
        }
        Picture.logarithmic(steps);
        Picture.save(List.of(losses, steps), picture);
        System.out.println("Loss and step size: " + picture);
        if (ui) {
            TrainingUi.stayOpen();
        }
        return 0;
    }

    /** @param fresh what it would be in its first epoch */
    private Network resume(Path saved, Network fresh) {
        if (!Files.exists(saved)) {
            throw new InputException("there is no " + saved + " to resume from; leave out --resume for the first run");
        }
        Network network = Network.load(saved);
        if (network.model().numParams() != fresh.model().numParams()) {
            throw new InputException(saved + " holds a network of " + network.model().numParams() + " parameters, but that of"
                    + " --data " + data + " has " + fresh.model().numParams());
        }
        Updaters.requireSame(updater, network, saved);
        System.out.println("Resuming after epoch " + network.epochs() + " from " + saved);
        return network;
    }

    private static void report(String name, Workload workload, TrainTest examples, Training training) {
        Network tested = Updaters.tested(training.network, name, Batches.forStatistics(examples.train));
        System.out.printf(Locale.ROOT, "%s %s %s, last training losses %.4f%n", label(name), workload.quality.title,
                workload.quality.text(workload.quality.of(tested, examples.test)),
                training.loss.runningMean(RUNNING_MEAN).last());
    }

    private static String label(String updater) {
        return String.format("%-10s", updater);
    }
}
