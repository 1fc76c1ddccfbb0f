package io.github.dl4jstepsize.examples;

import io.github.dl4jstepsize.examples.Workload.Quality;
import org.deeplearning4j.datasets.datavec.RecordReaderDataSetIterator;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration.ListBuilder;
import org.deeplearning4j.nn.conf.distribution.UniformDistribution;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.weights.WeightInit;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.function.ToDoubleFunction;

/**
 * Networks and trainings of Deeplearning4j's own examples, which many begin with: their layers, initial weights, batches and
 * epochs. Points and curves are drawn here; Fashion-MNIST is in the place of MNIST.
 */
final class Tutorials {

    private static final int SEED = 1;
    private static final int FLOWERS = 150;
    private static final int SPECIES = 3;

    private Tutorials() {
    }

    static Map<String, Workload> byName() {
        Map<String, Workload> tutorials = new LinkedHashMap<>();
        tutorials.put("xor", new Workload("XOR, sigmoids 2-4-2", 10000, 4, Quality.LOSS, files -> xor(),
                (data, updater, seed) -> Networks.network(general(updater, seed).miniBatch(false)
                        .dist(new UniformDistribution(0, 1)).list()
                        .layer(new DenseLayer.Builder().nOut(4).activation(Activation.SIGMOID).build())
                        .layer(new OutputLayer.Builder(LossFunction.NEGATIVELOGLIKELIHOOD).nOut(2)
                                .activation(Activation.SOFTMAX).build())
                        .setInputType(InputType.feedForward(2)).build())));
        tutorials.put("iris", new Workload("Iris, perceptron 4-3-3-3", 1000, FLOWERS, Quality.ACCURACY, files -> iris(),
                classifier(Activation.TANH, 1e-4, 3, 3)));
        tutorials.put("sum", new Workload("Sum of two numbers, perceptron 2-10-1", 200, 100, Quality.R_SQUARED,
                files -> curve(2, 0, 3, x -> x[0] + x[1]), regressor(10)));
        tutorials.put("sin", new Workload("sin(x)/x from -10 to 10, perceptron 1-50-50-1", 2000, 100, Quality.R_SQUARED,
                files -> curve(1, -10, 10, x -> Math.sin(x[0]) / x[0]), regressor(50, 50)));
        tutorials.put("moons", new Workload("Two moons, perceptron 2-50-2", 100, 50, Quality.ACCURACY,
                files -> points(2000, Tutorials::moons), classifier(Activation.RELU, 0, 50)));
        tutorials.put("saturn", new Workload("A disk in a ring, perceptron 2-20-2", 30, 50, Quality.ACCURACY,
                files -> points(600, Tutorials::saturn), classifier(Activation.RELU, 0, 20)));
        tutorials.put("double-layer", new Workload("Fashion-MNIST, perceptron 784-500-100-10", 15, 64, Quality.ACCURACY,
                files -> FashionMnist.load(files.fashionMnist), classifier(Activation.RELU, 7.5e-6, 500, 100)));
        tutorials.put("autoencoder", new Workload("Fashion-MNIST, autoencoder 784-250-10-250-784", 30, 100, Quality.LOSS,
                files -> withFeaturesAsLabels(FashionMnist.load(files.fashionMnist)),
                perceptron(Activation.RELU, 1e-4, LossFunction.MSE, Activation.LEAKYRELU, 250, 10, 250)));
        return tutorials;
    }

    private static NeuralNetConfiguration.Builder general(IUpdater updater, long seed) {
        return new NeuralNetConfiguration.Builder().seed(seed).updater(updater).weightInit(WeightInit.XAVIER);
    }

    private static Workload.NetworkBuilder classifier(Activation activation, double l2, int... hidden) {
        return perceptron(activation, l2, LossFunction.NEGATIVELOGLIKELIHOOD, Activation.SOFTMAX, hidden);
    }

    private static Workload.NetworkBuilder regressor(int... hidden) {
        return perceptron(Activation.TANH, 0, LossFunction.MSE, Activation.IDENTITY, hidden);
    }

    private static Workload.NetworkBuilder perceptron(Activation activation, double l2, LossFunction loss,
                                                      Activation ofOutputs, int... hidden) {
        return (data, updater, seed) -> {
            ListBuilder layers = general(updater, seed).activation(activation).l2(l2).list();
            for (int units : hidden) {
                layers.layer(new DenseLayer.Builder().nOut(units).build());
            }
            return Networks.network(layers
                    .layer(new OutputLayer.Builder(loss).nOut(data.outputs()).activation(ofOutputs).build())
                    .setInputType(InputType.feedForward(data.inputs())).build());
        };
    }

    /** All four rows, to train on and to test on. */
    private static TrainTest xor() {
        DataSet rows = new DataSet(Nd4j.create(new float[][]{{0, 0}, {1, 0}, {0, 1}, {1, 1}}),
                Nd4j.create(new float[][]{{1, 0}, {0, 1}, {0, 1}, {1, 0}}));
        return new TrainTest(rows, rows);
    }

    /** R. A. Fisher's flowers, as they are in DL4J's jar. */
    private static TrainTest iris() {
        return TrainTest.split(Csv.read("/iris.dat", ',',
                reader -> new RecordReaderDataSetIterator(reader, FLOWERS, 4, SPECIES))).standardize(false);
    }

    private static TrainTest curve(int inputs, double from, double to, ToDoubleFunction<double[]> function) {
        Random random = new Random(SEED);
        int examples = 1000;
        INDArray x = Nd4j.create(examples, inputs);
        INDArray y = Nd4j.create(examples, 1);
        for (int i = 0; i < examples; i++) {
            double[] point = random.doubles(inputs, from, to).toArray();
            x.putRow(i, Nd4j.create(point));
            y.putScalar(i, 0, function.applyAsDouble(point));
        }
        return TrainTest.split(new DataSet(x, y));
    }

    /** Draws a point of one of two kinds. */
    private interface Place {
        double[] draw(int kind, Random random);
    }

    private static TrainTest points(int examples, Place place) {
        Random random = new Random(SEED);
        INDArray x = Nd4j.create(examples, 2);
        INDArray y = Nd4j.create(examples, 2);
        for (int i = 0; i < examples; i++) {
            int kind = random.nextInt(2);
            x.putRow(i, Nd4j.create(place.draw(kind, random)));
            y.putScalar(i, kind, 1);
        }
        return TrainTest.split(new DataSet(x, y));
    }

    private static double[] moons(int kind, Random random) {
        double angle = Math.PI * random.nextDouble();
        double x = kind == 0 ? Math.cos(angle) : 1 - Math.cos(angle);
        double y = kind == 0 ? Math.sin(angle) : 0.5 - Math.sin(angle);
        return new double[]{x + 0.1 * random.nextGaussian(), y + 0.1 * random.nextGaussian()};
    }

    private static double[] saturn(int kind, Random random) {
        double angle = 2 * Math.PI * random.nextDouble();
        double radius = kind == 0 ? 5 * random.nextDouble() : 10 + random.nextGaussian();
        return new double[]{radius * Math.cos(angle), radius * Math.sin(angle)};
    }

    private static TrainTest withFeaturesAsLabels(TrainTest data) {
        return new TrainTest(new DataSet(data.train.getFeatures(), data.train.getFeatures()),
                new DataSet(data.test.getFeatures(), data.test.getFeatures()));
    }
}
