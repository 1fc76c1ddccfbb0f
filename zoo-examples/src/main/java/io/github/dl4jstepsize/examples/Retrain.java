package io.github.dl4jstepsize.examples;

import org.deeplearning4j.nn.api.Model;
import org.knowm.xchart.XYChart;
import org.nd4j.evaluation.classification.Evaluation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.learning.config.IUpdater;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

import java.awt.Color;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.function.Function;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/** {@code retrain}: a trained model of the zoo learns other classes. */
@Command(name = "retrain", mixinStandardHelpOptions = true, sortOptions = false,
        description = {"Retrains a model of DL4J's zoo on images in one folder per class, without a learning rate.",
            "Without --images: LeNet is trained on the digits 0-4 and retrained on 5-9, frozen and unfrozen."})
final class Retrain implements Callable<Integer> {

    private static final int RUNNING_MEAN = 10;
    private static final int TEST_BATCH = 100;

    @Spec
    private CommandSpec spec;

    @Option(names = "--model", paramLabel = "NAME", defaultValue = "resnet50",
            completionCandidates = PretrainedModel.Names.class,
            description = "One of ${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}.")
    private String modelName;

    @Option(names = "--images", paramLabel = "DIR", description = "A folder with a folder of images for each class.")
    private Path images;

    @Option(names = "--weights", paramLabel = "FILE", description = "A saved network, or a zip of the zoo that has been "
            + "downloaded already (default: DL4J fetches the pretrained weights).")
    private Path weights;

    @Option(names = "--freeze-to", paramLabel = "LAYER", description = "Train only what comes after this layer; a name "
            + "that does not exist shows all names.")
    private String freezeTo;

    @Option(names = "--size", paramLabel = "N",
            description = "Height and width to which images are scaled (default: what the model was made for).")
    private Integer size;

    @Option(names = "--channels", paramLabel = "N", description = "1 for grey, 3 for colour (default: as the model's).")
    private Integer channels;

    @Option(names = "--no-mirror", description = "Do not mirror training images at random.")
    private boolean noMirror;

    @Option(names = "--updater", paramLabel = "NAME", defaultValue = "auto", completionCandidates = Updaters.Names.class,
            description = "One of ${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}.")
    private String updater;

    @Option(names = "--epochs", paramLabel = "N", defaultValue = "5",
            description = "Passes over the images. Default: ${DEFAULT-VALUE}.")
    private int epochs;

    @Option(names = "--batch", paramLabel = "N", defaultValue = "32",
            description = "Images per batch. Default: ${DEFAULT-VALUE}.")
    private int batchSize;

    @Option(names = "--resume", description = "Go on from model.zip, which is saved after every epoch.")
    private boolean resume;

    @Option(names = "--seed", paramLabel = "N", defaultValue = "1",
            description = "Seed of the new head, of the split and of the order of the images. "
                    + "Default: ${DEFAULT-VALUE}.")
    private long seed;

    @Mixin
    private Output output;

    @Override
    public Integer call() {
        Arguments.positive(spec, "--epochs", epochs);
        Arguments.positive(spec, "--batch", batchSize);
        Updaters.check(List.of(updater));
        if (images == null) {
            List<String> ofImages = List.of("--model", "--weights", "--size", "--channels", "--no-mirror");
            ofImages.stream().filter(spec.commandLine().getParseResult()::hasMatchedOption).findFirst().ifPresent(option -> {
                throw new ParameterException(spec.commandLine(), option + " is for images of your own: say --images, too");
            });
        }
        PretrainedModel model = PretrainedModel.named(modelName);
        Path directory = Output.writable(output.directory().resolve("retrain"));
        System.out.println(Device.description());
        Path first = directory.resolve(images == null ? "digits-0-4.zip" : "model.zip");
        WhenInterrupted.say(() -> WhenInterrupted.left(first, "The epochs that are complete are saved in " + directory), () -> {
            if (images == null) {
                digits(directory);
            } else {
                images(model, directory);
            }
        });
        return 0;
    }

    private void images(PretrainedModel model, Path directory) {
        int side = size == null ? model.side : Arguments.positive(spec, "--size", size);
        int depth = channels == null ? model.channels : Arguments.positive(spec, "--channels", channels);
        if (depth != 3 && model.pixels == Pixels.WITHOUT_MEANS) {
            throw new InputException("--channels " + depth + ": from pixels for " + modelName + " the means of three colours are"
                    + " subtracted; for grey images say --model lenet");
        }
        ImageFolder folder = new ImageFolder(images, depth, side, model.pixels, !noMirror, seed);
        System.out.printf("%d training and %d test images of the classes %s%n", folder.train.size(), folder.test.size(),
                String.join(", ", folder.classes));
        Path saved = directory.resolve("model.zip");
        int batches = (folder.train.size() + batchSize - 1) / batchSize;
        if (resume) {
            requireSameClasses(folder, saved, directory);
        }
        Network network = resume ? Network.load(saved) : new Network(Transfer.retrain(
                weights == null ? model.pretrained() : Network.load(weights).model(), folder.classes.size(), freezeTo,
                Updaters.named(updater, epochs * batches), seed));
        requireFit(network, folder, depth, side);
        Output.write(classesFile(directory), String.join("\n", folder.classes) + "\n");

        XYChart chart = Picture.lossChart("Retraining of " + modelName + ": training loss");
        Network retrained = retrain("retrain", network, epoch -> folder.training(batchSize, seed, epoch), batches,
                folder.testing(TEST_BATCH), saved, chart, Picture.BLUE);
        Path evaluation = directory.resolve("evaluation.txt");
        Output.write(evaluation, retrained.evaluate(folder.testing(TEST_BATCH), new Evaluation(folder.classes)).stats());
        System.out.println("Classes: " + classesFile(directory) + ", confusion matrix: " + evaluation);
        draw(chart, directory);
    }

    private static Path classesFile(Path directory) {
        return directory.resolve("classes.txt");
    }

    private static void requireSameClasses(ImageFolder folder, Path saved, Path directory) {
        if (!Files.exists(saved)) {
            throw new InputException("there is no " + saved + " to resume from; leave out --resume for the first run");
        }
        try {
            List<String> before = Files.readAllLines(classesFile(directory));
            if (!before.equals(folder.classes)) {
                throw new InputException(saved + " was trained on the classes " + String.join(", ", before)
                        + "; leave out --resume to train it on others");
            }
        } catch (IOException e) {
            throw new InputException(classesFile(directory) + " cannot be read", e);
        }
    }

    /** One image through the network shows whether sizes match. */
    private void requireFit(Network network, ImageFolder folder, int channels, int side) {
        try {
            network.loss(folder.testing(1).next());
        } catch (RuntimeException e) {
            throw new InputException("the network" + (weights == null ? "" : " in " + weights) + " cannot take images"
                    + " with " + channels + " channel(s) of " + side + "x" + side + " pixels; set --size and --channels to"
                    + " what it was trained on", e);
        }
    }

    private void digits(Path directory) {
        TrainTest digits = Digits.load();
        TrainTest low = new TrainTest(classes(digits.train, 0, 5), classes(digits.test, 0, 5));
        TrainTest high = new TrainTest(classes(digits.train, 5, 10), classes(digits.test, 5, 10));
        XYChart chart = Picture.lossChart("LeNet, trained on the digits 0-4, retrained on 5-9: training loss");

        Model pretrained = digits("digits 0-4", low, directory.resolve("digits-0-4.zip"),
                fresh -> Networks.leNet(low, fresh, seed), null, null).model();
        digits("5-9, frozen", high, directory.resolve("model-frozen.zip"), fresh -> Transfer.retrain(
                pretrained, 5, freezeTo == null ? "maxpool2" : freezeTo, fresh, seed), chart, Picture.BLUE);
        digits("5-9, unfrozen", high, directory.resolve("model.zip"), fresh -> Transfer.retrain(
                pretrained, 5, null, fresh, seed), chart, Picture.ORANGE);
        draw(chart, directory);
    }

    private Network digits(String name, TrainTest data, Path file, Function<IUpdater, Model> build, XYChart chart,
                           Color color) {
        int batches = Batches.inOrder(data.train, batchSize).count();
        Network network = resume && Files.exists(file) ? Network.load(file)
                : new Network(build.apply(Updaters.named(updater, epochs * batches)));
        return retrain(name, network, epoch -> Batches.shuffled(data.train, batchSize, seed, epoch), batches,
                Batches.inOrder(data.test, TEST_BATCH), file, chart, color);
    }

    private static DataSet classes(DataSet digits, int from, int to) {
        int[] labels = digits.getLabels().argMax(1).toIntVector();
        int[] rows = IntStream.range(0, labels.length).filter(i -> labels[i] >= from && labels[i] < to).toArray();
        INDArray oneHot = digits.getLabels().getRows(rows).get(NDArrayIndex.all(), NDArrayIndex.interval(from, to)).dup();
        return new DataSet(digits.getFeatures().getRows(rows), oneHot);
    }

    /** @return what was tested and is of use: the network, or a copy with its average, which is saved beside it */
    private Network retrain(String name, Network network, IntFunction<DataSetIterator> epoch, int batches, DataSetIterator test,
                            Path file, XYChart chart, Color color) {
        if (network.epochs() > 0) {
            Updaters.requireSame(updater, network, file);
            System.out.printf("%-13s resumed after epoch %d from %s%n", name, network.epochs(), file);
        }
        Updaters.tellLength(network, updater, epochs * batches);
        Training training = new Training(network);
        training.run(String.format("%-13s", name), epochs, batches, epoch, () -> network.save(file));
        Network tested = Updaters.tested(network, updater, epoch.apply(0));
        Path result = tested == network ? file : file.resolveSibling("averaged-" + file.getFileName());
        double accuracy = accuracy(tested, test, file);
        if (tested != network) {
            tested.save(result);
        }
        System.out.printf(Locale.ROOT, "%-13s test accuracy %.2f %%, saved as %s%n", name, 100 * accuracy, result);
        if (chart != null) {
            Picture.loss(chart, name, training.loss, RUNNING_MEAN, color);
        }
        return tested;
    }

    private static double accuracy(Network network, DataSetIterator test, Path file) {
        try {
            return network.accuracy(test);
        } catch (IllegalStateException e) {
            throw new InputException("the network that was saved as " + file
                    + " predicts NaN: are its frozen layers trained?", e);
        }
    }

    private static void draw(XYChart chart, Path directory) {
        if (chart.getSeriesMap().isEmpty()) {
            System.out.println("There are no losses to draw: all epochs were complete (give a higher --epochs to train on), or"
                    + " every loss was 0.");
            return;
        }
        Picture.logarithmic(chart);
        Path picture = directory.resolve("retrain.png");
        Picture.save(List.of(chart), picture);
        System.out.println("Losses: " + picture);
    }
}
