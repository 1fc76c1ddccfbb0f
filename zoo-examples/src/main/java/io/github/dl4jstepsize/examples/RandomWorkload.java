package io.github.dl4jstepsize.examples;

import io.github.dl4jstepsize.examples.Workload.Quality;
import org.deeplearning4j.nn.conf.ConvolutionMode;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration.ListBuilder;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.SubsamplingLayer;
import org.deeplearning4j.nn.conf.layers.recurrent.LastTimeStep;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.weights.WeightInit;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.StringJoiner;
import java.util.function.Supplier;

/**
 * Data, a network and a training drawn at random: what a method is worth where nobody had it in mind. The same number draws the
 * same workload; its title says which.
 */
final class RandomWorkload {

    private enum Kind {PERCEPTRON, CONVOLUTIONAL, LSTM, REGRESSION}

    // What is more frequent in practice is there more than once.
    private static final List<Activation> ACTIVATIONS = List.of(Activation.RELU, Activation.RELU, Activation.TANH,
            Activation.SIGMOID, Activation.ELU, Activation.SELU, Activation.LEAKYRELU, Activation.SOFTPLUS, Activation.SWISH,
            Activation.GELU);
    private static final List<WeightInit> WEIGHTS = List.of(WeightInit.RELU, WeightInit.RELU, WeightInit.XAVIER,
            WeightInit.XAVIER, WeightInit.UNIFORM, WeightInit.NORMAL, WeightInit.LECUN_NORMAL, WeightInit.XAVIER_UNIFORM,
            WeightInit.RELU_UNIFORM, WeightInit.SIGMOID_UNIFORM);
    private static final List<Integer> BATCHES = List.of(8, 16, 32, 64, 128, 256, 512, 1024);
    private static final List<Double> LABEL_NOISE = List.of(0.0, 0.0, 0.0, 0.1, 0.3, 0.5);
    private static final List<Double> L2 = List.of(0.0, 0.0, 1e-4, 1e-3);
    /** What is added to inputs, and by what the sum is multiplied. */
    private static final List<double[]> SCALES = List.of(new double[]{0, 1}, new double[]{0, 1}, new double[]{0, 255},
            new double[]{-0.5, 2}, new double[]{-0.29, 2.8}, new double[]{0, 0.01}, new double[]{0, 16});

    private static final int DIGITS = 1437;
    private static final int PATIENTS = 353;
    private static final int FEWEST_BATCHES = 4;
    private static final int USUAL_BATCH = 64;

    private final Random random;
    private final StringJoiner title = new StringJoiner(", ");
    private final Kind kind;
    private final List<Supplier<Layer>> layers = new ArrayList<>();
    private Activation activation;
    private WeightInit weights;
    private double l2;

    private RandomWorkload(long number) {
        random = new Random(number);
        // The first numbers of neighbouring seeds are alike.
        random.nextLong();
        kind = inTen(5) ? Kind.PERCEPTRON : inTen(6) ? Kind.CONVOLUTIONAL : inTen(6) ? Kind.LSTM : Kind.REGRESSION;
    }

    static Workload of(long number) {
        return new RandomWorkload(number).draw();
    }

    private boolean inTen(int times) {
        return random.nextInt(10) < times;
    }

    private boolean oneIn(int times) {
        return random.nextInt(times) == 0;
    }

    private <T> T one(List<T> of) {
        return of.get(random.nextInt(of.size()));
    }

    /** Uniform in the logarithm. */
    private int size(int from, int to) {
        return (int) Math.round(from * Math.pow((double) to / from, random.nextDouble()));
    }

    private Workload draw() {
        boolean regression = kind == Kind.REGRESSION;
        int batch = one(BATCHES);
        boolean digits = kind == Kind.PERCEPTRON && oneIn(4);
        int examples = digits ? DIGITS : regression ? PATIENTS : size(2000, 8000);
        batch = examples < FEWEST_BATCHES * batch ? USUAL_BATCH : batch;
        int epochs = regression ? size(20, 100) : Math.max(2, Math.min(12, size(60, 800) * batch / examples));
        double noise = regression ? 0 : one(LABEL_NOISE);
        double[] scale = one(SCALES);
        title.add(kind.toString().toLowerCase(Locale.ROOT)).add(digits ? "digits" : regression ? "diabetes" : "Fashion-MNIST")
                .add(examples + " examples").add("batches of " + batch).add(epochs + " epochs").add("label noise " + noise)
                .add("inputs (x + " + scale[0] + ") * " + scale[1]);
        drawNetwork();
        return new Workload(title.toString(), epochs, batch, regression ? Quality.R_SQUARED : Quality.ACCURACY, files -> {
            TrainTest data = (digits ? Digits.load() : regression ? Diabetes.load() : FashionMnist.load(files.fashionMnist))
                    .withAtMost(examples).withFeatures(features -> features.add(scale[0]).muli(scale[1]));
            data = noise > 0 ? data.withLabelNoise(noise) : data;
            return kind == Kind.LSTM ? FashionMnist.asRows(data) : data;
        }, (data, updater, seed) -> network(new NeuralNetConfiguration.Builder().seed(seed).updater(updater), data));
    }

    private void drawNetwork() {
        activation = kind == Kind.LSTM ? Activation.TANH : one(ACTIVATIONS);
        weights = one(WEIGHTS);
        l2 = one(L2);
        boolean norm = kind != Kind.LSTM && kind != Kind.REGRESSION && oneIn(3);
        double kept = oneIn(3) ? 0.5 + 0.4 * random.nextDouble() : 1;
        title.add(activation.toString()).add(weights.toString()).add("L2 " + l2).add(norm ? "BatchNorm" : "no BatchNorm");
        int depth;
        switch (kind) {
            case CONVOLUTIONAL:
                drawConvolutions(norm);
                depth = random.nextInt(3);
                break;
            case LSTM:
                drawLstm();
                depth = random.nextInt(2);
                break;
            default:
                depth = size(1, 8);
        }
        for (int i = 0; i < depth; i++) {
            int units = size(32, kind == Kind.REGRESSION ? 128 : 512);
            title.add(units + " units" + (kept == 1 ? "" : String.format(Locale.ROOT, ", %.2f of them kept", kept)));
            layers.add(() -> new DenseLayer.Builder().nOut(units).dropOut(kept == 1 ? 0 : kept).build());
            if (norm) {
                layers.add(BatchNormalization::new);
            }
        }
    }

    private void drawConvolutions(boolean norm) {
        int depth = 1 + random.nextInt(3);
        for (int i = 0; i < depth; i++) {
            int side = one(List.of(3, 5));
            int channels = size(8, 24);
            int stride = i == 0 ? 2 : one(List.of(1, 2));
            boolean pool = oneIn(3);
            title.add("convolution " + side + "x" + side + "x" + channels + "/" + stride + (pool ? " and pooling" : ""));
            layers.add(() -> new ConvolutionLayer.Builder(side, side).stride(stride, stride).nOut(channels).build());
            if (pool) {
                layers.add(() -> new SubsamplingLayer.Builder().kernelSize(2, 2).stride(2, 2).build());
            }
            if (norm) {
                layers.add(BatchNormalization::new);
            }
        }
    }

    private void drawLstm() {
        int cells = size(24, 96);
        boolean twice = oneIn(4);
        title.add(cells + " cells" + (twice ? " twice" : ""));
        if (twice) {
            layers.add(() -> new LSTM.Builder().nOut(cells).build());
        }
        layers.add(() -> new LastTimeStep(new LSTM.Builder().nOut(cells).build()));
    }

    private MultiLayerNetwork network(NeuralNetConfiguration.Builder general, TrainTest data) {
        ListBuilder list = general.weightInit(weights).l2(l2).activation(activation).convolutionMode(ConvolutionMode.Same).list();
        layers.forEach(layer -> list.layer(layer.get()));
        boolean regression = kind == Kind.REGRESSION;
        list.layer(new OutputLayer.Builder(regression ? LossFunction.MSE : LossFunction.MCXENT).nOut(data.outputs())
                .activation(regression ? Activation.IDENTITY : Activation.SOFTMAX).build());
        return Networks.network(list.setInputType(
                kind == Kind.CONVOLUTIONAL ? InputType.convolutionalFlat(FashionMnist.SIDE, FashionMnist.SIDE, 1)
                        : kind == Kind.LSTM ? InputType.recurrent(data.inputs())
                        : InputType.feedForward(data.inputs())).build());
    }
}
