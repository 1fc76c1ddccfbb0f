package io.github.dl4jstepsize.examples;

import org.deeplearning4j.nn.api.Model;
import org.knowm.xchart.XYChart;
import org.nd4j.linalg.learning.config.IUpdater;
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
import java.util.concurrent.Callable;

/** {@code train}: one network, without a learning rate and with DL4J's Adam. */
@Command(name = "train", mixinStandardHelpOptions = true, sortOptions = false,
        description = {"Trains a network without a learning rate, and the same network with DL4J's Adam for comparison.",
            "Prints test accuracies; draws loss and step size."})
final class Train implements Callable<Integer> {

    /** Time constant of the curve drawn over the noisy losses, in iterations. */
    private static final int RUNNING_MEAN = 20;
    private static final int TEST_BATCH = 500;

    @Spec
    private CommandSpec spec;

    @Option(names = "--data", paramLabel = "NAME", defaultValue = "digits",
            description = "digits: the embedded UCI digits, with the zoo's LeNet. "
                    + "fashion-mnist: 60,000 images, with a perceptron 784-512-256-10. Default: ${DEFAULT-VALUE}.")
    private String data;

    @Option(names = "--dir", paramLabel = "DIR",
            description = "Where the files of Fashion-MNIST are (default: where Debian's dataset-fashion-mnist puts them).")
    private Path directory = FashionMnist.DEBIAN_DIRECTORY;

    @Option(names = "--updater", paramLabel = "NAME", defaultValue = "labpal", completionCandidates = Updaters.Names.class,
            description = "One of ${COMPLETION-CANDIDATES}; DL4J's own also with a rate, as in sgd=0.1. "
                    + "Default: ${DEFAULT-VALUE}.")
    private String updater;

    @Option(names = "--baseline", paramLabel = "NAME", defaultValue = "adam",
            description = "Another updater to compare with, or none. Default: ${DEFAULT-VALUE}.")
    private String baseline;

    @Option(names = "--epochs", paramLabel = "N", description = "Passes over the data (default: digits 12, others 3).")
    private Integer epochs;

    @Option(names = "--batch", paramLabel = "N", description = "Examples per batch (default: digits 32, others 128).")
    private Integer batchSize;

    @Option(names = "--seed", paramLabel = "N", defaultValue = "1",
            description = "Seed of initial weights and of the order of the examples. Default: ${DEFAULT-VALUE}.")
    private long seed;

    @Option(names = "--checkpoint", paramLabel = "DIR", description = "Save the network here after every epoch.")
    private Path checkpoint;

    @Option(names = "--resume", description = "Go on from the network in the --checkpoint directory.")
    private boolean resume;

    @Mixin
    private Output output;

    @Override
    public Integer call() {
        Task task = task();
        requirePositive("--epochs", task.epochs);
        requirePositive("--batch", task.batchSize);
        if (resume && checkpoint == null) {
            throw new ParameterException(spec.commandLine(), "--resume needs --checkpoint DIR, to know from where");
        }
        IUpdater ours = Updaters.named(updater);
        IUpdater theirs = baseline.equals("none") ? null : Updaters.named(baseline);
        Path out = output.directory();
        Path saved = checkpoint == null ? null : Output.writable(checkpoint).resolve("model.zip");

        System.out.println(Device.description());
        TrainTest examples = task.load();
        System.out.printf("%s: %d training and %d test examples, %d epochs of batches of %d, seed %d%n", task.title,
                examples.train.numExamples(), examples.test.numExamples(), task.epochs, task.batchSize, seed);

        Training[] trainings = new Training[2];
        trainings[0] = train(updater, task, examples, start(task, ours, saved), saved);
        if (theirs != null) {
            trainings[1] = train(baseline, task, examples, new Network(task.network(theirs, seed)), null);
        }
        Path picture = out.resolve("train-" + data + "-" + updater + ".png");
        draw(task, trainings, picture);
        System.out.println("Loss and step size: " + picture);
        return 0;
    }

    private Network start(Task task, IUpdater ours, Path saved) {
        if (!resume) {
            return new Network(task.network(ours, seed));
        }
        if (!Files.exists(saved)) {
            throw new InputException("there is no " + saved + " to resume from; leave out --resume for the first run");
        }
        Network network = Network.load(saved);
        System.out.println("Resuming after epoch " + network.epochs() + " from " + saved);
        return network;
    }

    private Training train(String name, Task task, TrainTest examples, Network network, Path saved) {
        Training training = new Training(network);
        training.run(String.format("%-10s", name), task.epochs,
                epoch -> Batches.shuffled(examples.train, task.batchSize, seed, epoch), () -> {
                    if (saved != null) {
                        network.save(saved);
                    }
                });
        System.out.printf(Locale.ROOT, "%-10s test accuracy %.2f %%, last training losses %.4f%n", name,
                100 * network.accuracy(Batches.inOrder(examples.test, TEST_BATCH)),
                training.loss.runningMean(RUNNING_MEAN).last());
        return training;
    }

    private void draw(Task task, Training[] trainings, Path picture) {
        XYChart losses = Picture.chart(task.title + ": training loss", "iteration", "loss of the batch");
        addLoss(losses, updater, trainings[0], Picture.BLUE);
        if (trainings[1] != null) {
            addLoss(losses, baseline + " (baseline)", trainings[1], Picture.ORANGE);
        }
        Picture.logarithmic(losses);
        XYChart steps = Picture.chart("Step size of " + updater, "iteration", "step size");
        Curve stepSize = trainings[0].stepSize.positive();
        if (!stepSize.values.isEmpty()) {
            Picture.line(steps, updater, stepSize, Picture.BLUE, 2);
        }
        Picture.logarithmic(steps);
        Picture.save(List.of(losses, steps), picture);
    }

    private static void addLoss(XYChart chart, String name, Training training, java.awt.Color color) {
        Curve loss = training.loss.positive();
        if (!loss.values.isEmpty()) {
            Picture.background(chart, name + ", every batch", loss, color);
            Picture.line(chart, name + ", running mean", loss.runningMean(RUNNING_MEAN), color, 2.5f);
        }
    }

    private void requirePositive(String option, int value) {
        if (value < 1) {
            throw new ParameterException(spec.commandLine(), option + " has to be 1 or greater, but is " + value);
        }
    }

    private Task task() {
        switch (data) {
            case "digits":
                return new Task("UCI digits, zoo LeNet", 12, 32) {
                    @Override
                    TrainTest load() {
                        return Digits.load();
                    }

                    @Override
                    Model network(IUpdater updater, long seed) {
                        return Networks.leNet(Digits.SIDE, Digits.CLASSES, updater, seed);
                    }
                };
            case "fashion-mnist":
                return new Task("Fashion-MNIST, perceptron 784-512-256-10", 3, 128) {
                    @Override
                    TrainTest load() {
                        return FashionMnist.load(directory);
                    }

                    @Override
                    Model network(IUpdater updater, long seed) {
                        return Networks.perceptron(FashionMnist.SIDE * FashionMnist.SIDE, FashionMnist.CLASSES, updater,
                                seed);
                    }
                };
            default:
                throw new ParameterException(spec.commandLine(),
                        "there are no data \"" + data + "\"; choose digits or fashion-mnist");
        }
    }

    /** Data, the network for them, and how long to train. */
    private abstract class Task {

        final String title;
        final int epochs;
        final int batchSize;

        Task(String title, int defaultEpochs, int defaultBatchSize) {
            this.title = title;
            this.epochs = Train.this.epochs == null ? defaultEpochs : Train.this.epochs;
            this.batchSize = Train.this.batchSize == null ? defaultBatchSize : Train.this.batchSize;
        }

        abstract TrainTest load();

        abstract Model network(IUpdater updater, long seed);
    }
}
