package io.github.dl4jstepsize.examples;

import io.github.dl4jstepsize.examples.Workload.Quality;
import org.deeplearning4j.nn.weights.WeightInit;
import org.nd4j.linalg.activations.Activation;

import java.util.Arrays;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;

/** The workloads by their names on the command line. */
final class Workloads {

    private static final double LABEL_NOISE = 0.2;
    private static final double LARGEST_PIXEL = 255;
    private static final double LARGE_UNIT = 1000;
    /** Of the names of workloads drawn at random; the number that they are drawn from follows. */
    private static final String RANDOM = "random-";

    private static final Map<String, Workload> BY_NAME = new LinkedHashMap<>();
    /** Of fashion-mlp, fashion-cnn, rows-lstm and regression: what a method that asks for no settings has to bear. */
    private static final Map<String, Workload> VARIATIONS = new LinkedHashMap<>();
    private static final Map<String, Workload> TUTORIALS = Tutorials.byName();

    static {
        BY_NAME.put("digits-lenet", new Workload("UCI digits, the zoo's LeNet", 10, 32, Quality.ACCURACY,
                files -> Digits.load(), Networks::leNet));
        BY_NAME.put("digits-mlp", new Workload("UCI digits, perceptron 64-512-256-10", 12, 32, Quality.ACCURACY,
                files -> Digits.load(), Networks::perceptron));
        BY_NAME.put("fashion-mlp", new Workload("Fashion-MNIST, perceptron 784-512-256-10", 3, 128, Quality.ACCURACY,
                files -> FashionMnist.load(files.fashionMnist), Networks::perceptron));
        BY_NAME.put("fashion-cnn", new Workload("Fashion-MNIST, CNN with BatchNorm and dropout", 3, 128, Quality.ACCURACY,
                files -> FashionMnist.load(files.fashionMnist), Networks::convolutional));
        BY_NAME.put("fashion-resnet", new Workload("Fashion-MNIST, residual graph with BatchNorm", 3, 128, Quality.ACCURACY,
                files -> FashionMnist.load(files.fashionMnist), Networks::residual));
        BY_NAME.put("rows-lstm", new Workload("Fashion-MNIST read row by row, LSTM", 3, 128, Quality.ACCURACY,
                files -> FashionMnist.asRows(FashionMnist.load(files.fashionMnist)), Networks::sequenceClassifier));
        BY_NAME.put("text-lstm", new Workload("Next character of a text, LSTM", 10, 32, Quality.ACCURACY,
                files -> Text.load(files.text), Networks::characterModel));
        BY_NAME.put("regression", new Workload("Diabetes progression, perceptron 10-64-64-1", 60, 32, Quality.R_SQUARED,
                files -> Diabetes.load(), Networks::regression));
        BY_NAME.put("ill-conditioned", new Workload("Regression of condition number 1e10, linear network 6-6-10", 20000,
                IllConditioned.SAMPLES, Quality.LOSS, files -> IllConditioned.load(), IllConditioned::network));

        vary("mlp-label-noise", "a fifth of the labels at random", 128, data -> data.withLabelNoise(LABEL_NOISE),
                Networks::perceptron);
        vary("mlp-unscaled", "pixels 0 to 255", 128,
                data -> data.withFeatures(pixels -> pixels.mul(LARGEST_PIXEL)), Networks::perceptron);
        vary("mlp-batch-16", "batches of 16", 16, data -> data, Networks::perceptron);
        vary("mlp-batch-1024", "batches of 1,024", 1024, data -> data, Networks::perceptron);
        vary("mlp-xavier", "Xavier's weights", 128, data -> data, Networks.perceptron(WeightInit.XAVIER, false, 512, 256));
        vary("mlp-uniform", "weights uniform in 1/sqrt(fan-in)", 128, data -> data,
                Networks.perceptron(WeightInit.UNIFORM, false, 512, 256));
        vary("mlp-deep", "eight hidden layers of 128", 128, data -> data, deep(8, false));
        vary("mlp-deep-16", "sixteen hidden layers of 128", 128, data -> data, deep(16, false));
        vary("mlp-deep-32", "thirty-two hidden layers of 128", 128, data -> data, deep(32, false));
        vary("mlp-deep-16-norm", "sixteen hidden layers of 128 with BatchNorm", 128, data -> data, deep(16, true));
        vary("mlp-wide", "one hidden layer of 2,048", 128, data -> data, Networks.perceptron(WeightInit.RELU, false, 2048));
        vary("mlp-norm", "BatchNorm", 128, data -> data, Networks.perceptron(WeightInit.RELU, true, 512, 256));
        vary("cnn-plain", "CNN without BatchNorm", 128, data -> data, Networks::convolutionalWithoutNorm);
        vary("cnn-label-noise", "CNN, a fifth of the labels at random", 128, data -> data.withLabelNoise(LABEL_NOISE),
                Networks::convolutional);
        vary("cnn-unscaled", "CNN without BatchNorm, pixels 0 to 255", 128,
                data -> data.withFeatures(pixels -> pixels.mul(LARGEST_PIXEL)), Networks::convolutionalWithoutNorm);
        vary("rows-unscaled", "read row by row, pixels 0 to 255, LSTM", 128,
                data -> FashionMnist.asRows(data.withFeatures(pixels -> pixels.mul(LARGEST_PIXEL))),
                Networks::sequenceClassifier);
        varyRegression("regression-unscaled", "targets from 25 to 346", Diabetes::withTargetsAsTheyAre, Activation.TANH);
        for (Activation activation : List.of(Activation.TANH, Activation.RELU)) {
            String suffix = activation == Activation.TANH ? "" : "-relu";
            String of = activation == Activation.TANH ? "" : ", RELU";
            varyRegression("regression-raw" + suffix, "nothing standardised" + of, Diabetes::asItIs, activation);
            varyRegression("regression-column" + suffix, "one feature times 1,000" + of,
                    () -> Diabetes.withOneFeatureTimes(LARGE_UNIT), activation);
        }
    }

    private Workloads() {
    }

    private static void vary(String name, String title, int batchSize, UnaryOperator<TrainTest> data,
                             Workload.NetworkBuilder network) {
        VARIATIONS.put(name, new Workload("Fashion-MNIST, " + title, 3, batchSize, Quality.ACCURACY,
                files -> data.apply(FashionMnist.load(files.fashionMnist)), network));
    }

    private static void varyRegression(String name, String title, Supplier<TrainTest> data, Activation activation) {
        VARIATIONS.put(name, new Workload("Diabetes progression, " + title, 60, 32, Quality.R_SQUARED, files -> data.get(),
                Networks.regression(activation)));
    }

    private static Workload.NetworkBuilder deep(int layers, boolean norm) {
        int[] hidden = new int[layers];
        Arrays.fill(hidden, 128);
        return Networks.perceptron(WeightInit.RELU, norm, hidden);
    }

    /** @throws InputException if there is no such workload */
    static Workload named(String name) {
        if (name.matches(RANDOM + "(0|[1-9][0-9]{0,8})")) {
            return RandomWorkload.of(Long.parseLong(name.substring(RANDOM.length())));
        }
        Workload workload = BY_NAME.getOrDefault(name, VARIATIONS.getOrDefault(name, TUTORIALS.get(name)));
        if (workload == null) {
            throw new InputException("there is no workload \"" + name + "\"; the workloads are "
                    + String.join(", ", BY_NAME.keySet()) + ", the variations " + String.join(", ", VARIATIONS.keySet())
                    + ", the tutorials " + String.join(", ", TUTORIALS.keySet()) + ", and " + RANDOM + "1, "
                    + RANDOM + "2 ..., drawn at random");
        }
        return workload;
    }

    static List<String> names() {
        return List.copyOf(BY_NAME.keySet());
    }

    static List<String> variations() {
        return List.copyOf(VARIATIONS.keySet());
    }

    static List<String> tutorials() {
        return List.copyOf(TUTORIALS.keySet());
    }

    /** The names, for picocli's help. */
    static final class Names implements Iterable<String> {
        @Override
        public Iterator<String> iterator() {
            return BY_NAME.keySet().iterator();
        }
    }
}
