package io.github.dl4jstepsize;

import org.deeplearning4j.nn.conf.CNN2DFormat;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.graph.rnn.LastTimeStepVertex;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.CnnLossLayer;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.Deconvolution2D;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.DepthwiseConvolution2D;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.LossLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.RnnLossLayer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.conf.layers.SeparableConvolution2D;
import org.deeplearning4j.nn.conf.layers.recurrent.SimpleRnn;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.weights.WeightInit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.activations.BaseActivationFunction;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;
import org.nd4j.linalg.lossfunctions.impl.LossMixtureDensity;
import org.nd4j.linalg.ops.transforms.Transforms;

import java.util.List;
import java.util.Map;

import static io.github.dl4jstepsize.WeightScaleTest.assertFanIn;
import static io.github.dl4jstepsize.WeightScaleTest.moved;
import static io.github.dl4jstepsize.WeightScaleTest.network;
import static io.github.dl4jstepsize.WeightScaleTest.scale;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

/** Steps in proportion to what a network's outputs are to become. */
class TargetSizeTest {

    private static final int ITERATIONS = 400;

    private static OutputLayer.Builder numbers(Activation activation) {
        return new OutputLayer.Builder(LossFunction.MSE).activation(activation);
    }

    /** Root mean squares of 300, 0.1 and 2. */
    private static INDArray targets() {
        return Nd4j.createFromArray(new double[][]{{300, 0.1, 2}, {-300, -0.1, 2}, {300, 0.1, -2}, {300, 0.1, -2}});
    }

    private static void assertScales(double n, INDArray moved, double... factors) {
        for (int unit = 0; unit < factors.length; unit++) {
            INDArray column = moved.reshape(-1, factors.length).getColumn(unit);
            assertEquals(factors[unit] / Math.sqrt(3 * n), column.minNumber().doubleValue(), 1e-5 * factors[unit]);
            assertEquals(factors[unit] / Math.sqrt(3 * n), column.maxNumber().doubleValue(), 1e-5 * factors[unit]);
        }
    }

    @ParameterizedTest
    @EnumSource(value = Activation.class, names = {"IDENTITY", "RELU", "LEAKYRELU", "SELU", "SOFTPLUS", "GELU", "SWISH"})
    void aUnitsWeightsFollowItsTargets(Activation activation) {
        MultiLayerNetwork network = network(InputType.feedForward(5), new DenseLayer.Builder().nOut(6).build(),
                numbers(activation).nOut(3).build());
        Map<String, INDArray> moved = moved(network,
                () -> network.fit(Nd4j.ones(DataType.DOUBLE, 4, 5), targets()));
        assertFanIn(5, moved.get("0_W"));
        assertFanIn(5, moved.get("0_b"));
        assertScales(6, moved.get("1_W"), 300, 1, 2);
        assertScales(6, moved.get("1_b"), 300, 1, 2);
    }

    /** Targets far from 0, for which the user has set the biases. */
    @Test
    void weightsMakeWhatBiasesDoNot() {
        double mean = 5000;
        MultiLayerNetwork network = network(InputType.feedForward(5),
                numbers(Activation.IDENTITY).biasInit(mean).nOut(3).build());
        Map<String, INDArray> moved = moved(network,
                () -> network.fit(Nd4j.ones(DataType.DOUBLE, 4, 5), targets().addi(mean)));
        assertScales(5, moved.get("0_W"), 300, 1, 2);
        assertScales(5, moved.get("0_b"), 300, 1, 2);

        MultiLayerNetwork images = network(InputType.convolutional(4, 4, 2),
                new ConvolutionLayer.Builder(1, 1).biasInit(mean).nOut(3).activation(Activation.IDENTITY).build(),
                new CnnLossLayer.Builder(LossFunction.MSE).activation(Activation.IDENTITY).build());
        assertScales(2, moved(images, () -> images.fit(Nd4j.ones(DataType.DOUBLE, 4, 2, 4, 4), images().addi(mean)))
                .get("0_W").reshape(3, 2).transpose(), 300, 1, 2);
    }

    /** What is not reached with larger weights, classes by their numbers, and parameters of a distribution. */
    @Test
    void weightsOfBoundedOutputsDoNot() {
        for (Activation bounded : List.of(Activation.TANH, Activation.SIGMOID, Activation.SOFTMAX, Activation.HARDTANH)) {
            MultiLayerNetwork network = network(InputType.feedForward(5), numbers(bounded).nOut(3).build());
            assertFanIn(5, moved(network, () -> network.fit(Nd4j.ones(DataType.DOUBLE, 4, 5), targets())).get("0_W"));
        }
        MultiLayerNetwork sparse = network(InputType.feedForward(5),
                new OutputLayer.Builder(LossFunction.SPARSE_MCXENT).activation(Activation.SOFTMAX).nOut(9).build());
        assertFanIn(5, moved(sparse, () -> sparse.fit(Nd4j.ones(DataType.DOUBLE, 2, 5),
                Nd4j.createFromArray(new double[][]{{8}, {7}}))).get("0_W"));
        MultiLayerNetwork mixture = new MultiLayerNetwork(new NeuralNetConfiguration.Builder().updater(scale()).list()
                .layer(new OutputLayer.Builder(LossMixtureDensity.builder().gaussians(2).labelWidth(3).build())
                        .activation(Activation.IDENTITY).nIn(5).nOut(10).build()).build());
        mixture.init();
        mixture.setListeners(new StepSizeListener());
        INDArray moved = moved(mixture,
                () -> mixture.fit(Nd4j.ones(DataType.FLOAT, 4, 5), targets().muli(0.01).castTo(DataType.FLOAT))).get("0_W");
        assertEquals(1 / Math.sqrt(3 * 5), moved.meanNumber().doubleValue(), 1e-5);
    }

    /** Each output of a graph has its own; a loss layer's are those of the layer before it. */
    @Test
    void aGraphsOutputsFollowTheirTargetsEachForItself() {
        ComputationGraph network = new ComputationGraph(new NeuralNetConfiguration.Builder().dataType(DataType.DOUBLE)
                .updater(scale()).graphBuilder()
                .addInputs("in").setInputTypes(InputType.recurrent(5))
                .addLayer("lstm", new LSTM.Builder().nOut(7).build(), "in")
                .addLayer("numbers", new RnnOutputLayer.Builder(LossFunction.MSE).activation(Activation.IDENTITY).nOut(3)
                        .build(), "lstm")
                .addVertex("last", new LastTimeStepVertex("in"), "lstm")
                .addLayer("dense", new DenseLayer.Builder().activation(Activation.IDENTITY).nOut(3).build(), "last")
                .addLayer("loss", new LossLayer.Builder(LossFunction.MEAN_ABSOLUTE_ERROR).activation(Activation.IDENTITY)
                        .build(), "dense")
                .setOutputs("numbers", "loss").build());
        network.init();
        network.setListeners(new StepSizeListener());
        INDArray[] labels = {series().muli(2), targets()};
        Map<String, INDArray> moved = moved(network,
                () -> network.fit(new INDArray[]{Problem.random(1, DataType.DOUBLE, 4, 5, 6)}, labels));
        assertFanIn(7, moved.get("lstm_b").get(NDArrayIndex.all(), NDArrayIndex.interval(0, 7)));
        assertScales(0.2 * 7, moved.get("numbers_W"), 600, 1, 4);
        assertScales(0.2 * 7, moved.get("dense_W"), 300, 1, 2);
        assertScales(7, moved.get("dense_b"), 300, 1, 2);
    }

    @Test
    void channelsOfImagesFollowTheirTargets() {
        MultiLayerNetwork network = network(InputType.convolutional(4, 4, 2),
                new ConvolutionLayer.Builder(1, 1).nOut(3).activation(Activation.IDENTITY).build(),
                new CnnLossLayer.Builder(LossFunction.MSE).activation(Activation.IDENTITY).build());
        Map<String, INDArray> moved = moved(network, () -> network.fit(Nd4j.ones(DataType.DOUBLE, 4, 2, 4, 4),
                images()));
        assertScales(2, moved.get("0_W").reshape(3, 2).transpose(), 300, 1, 2);
    }

    /** The sine of the first input, times and plus the size. */
    @ParameterizedTest
    @ValueSource(doubles = {1, 1000, 1e6})
    void autoLearnsTargetsOfAnySize(double size) {
        MultiLayerNetwork network = new MultiLayerNetwork(new NeuralNetConfiguration.Builder().seed(1)
                .updater(new AutoUpdater()).weightInit(WeightInit.XAVIER).activation(Activation.TANH).list(
                        new DenseLayer.Builder().nOut(32).build(), numbers(Activation.IDENTITY).nOut(1).build())
                .setInputType(InputType.feedForward(4)).build());
        network.init();
        network.setListeners(new StepSizeListener().iterations(ITERATIONS));
        INDArray features = Problem.random(1, DataType.FLOAT, 64, 4);
        INDArray sines = Transforms.sin(features.getColumn(0).mul(3)).reshape(64, 1);
        DataSet data = new DataSet(features, sines.add(1).muli(size));
        for (int iteration = 0; iteration < ITERATIONS; iteration++) {
            network.fit(data);
        }
        double variance = sines.varNumber().doubleValue() * size * size;
        assertTrue(network.score(data) < 0.05 * variance, network.score(data) + " of " + variance);
    }

    @Test
    void channelsMayComeLast() {
        INDArray labels = images().permute(0, 2, 3, 1).get(NDArrayIndex.all(), NDArrayIndex.interval(0, 3),
                NDArrayIndex.all(), NDArrayIndex.all()).dup();
        MultiLayerNetwork network = network(InputType.convolutional(3, 4, 2, CNN2DFormat.NHWC),
                new ConvolutionLayer.Builder(1, 1).nOut(3).dataFormat(CNN2DFormat.NHWC).activation(Activation.IDENTITY).build(),
                new CnnLossLayer.Builder(LossFunction.MSE).format(CNN2DFormat.NHWC).activation(Activation.IDENTITY).build());
        Map<String, INDArray> moved = moved(network, () -> network.fit(Nd4j.ones(DataType.DOUBLE, 4, 3, 4, 2), labels));
        assertScales(2, moved.get("0_W").reshape(3, 2).transpose(), 300, 1, 2);
        assertScales(2, moved.get("0_b"), 300, 1, 2);
    }

    /** Recurrent weights, gains and convolutions of another kind stay what they are, and so do their layers' biases. */
    @Test
    void otherLayersBeforeALossDoNot() {
        INDArray pixels = Nd4j.ones(DataType.DOUBLE, 4, 3, 4, 4);
        CnnLossLayer loss = new CnnLossLayer.Builder(LossFunction.MSE).activation(Activation.IDENTITY).build();
        Layer[] convolutions = {
                new Deconvolution2D.Builder(1, 1).nOut(3).activation(Activation.IDENTITY).build(),
                new DepthwiseConvolution2D.Builder(1, 1).depthMultiplier(1).activation(Activation.IDENTITY).build(),
                new SeparableConvolution2D.Builder(1, 1).nOut(3).activation(Activation.IDENTITY).build()};
        for (Layer convolution : convolutions) {
            MultiLayerNetwork network = network(InputType.convolutional(4, 4, 3), convolution, loss);
            assertNoneIsLarge(moved(network, () -> network.fit(pixels, images())));
        }
        MultiLayerNetwork recurrent = network(InputType.recurrent(5),
                new SimpleRnn.Builder().nOut(3).activation(Activation.IDENTITY).build(),
                new RnnLossLayer.Builder(LossFunction.MSE).activation(Activation.IDENTITY).build());
        assertNoneIsLarge(moved(recurrent, () -> recurrent.fit(Problem.random(1, DataType.DOUBLE, 4, 5, 6), series())));
        MultiLayerNetwork normalized = network(InputType.feedForward(5),
                new DenseLayer.Builder().nOut(3).hasLayerNorm(true).activation(Activation.IDENTITY).build(),
                new LossLayer.Builder(LossFunction.MSE).activation(Activation.IDENTITY).build());
        assertNoneIsLarge(moved(normalized, () -> normalized.fit(Problem.random(1, DataType.DOUBLE, 4, 5), targets())));
    }

    private static void assertNoneIsLarge(Map<String, INDArray> moved) {
        moved.forEach((name, array) -> assertTrue(array.maxNumber().doubleValue() <= 1, name + " " + array));
    }

    private static INDArray images() {
        return targets().reshape(4, 3, 1, 1).repeat(2, 4).repeat(3, 4);
    }

    private static INDArray series() {
        return targets().reshape(4, 3, 1).repeat(2, 6);
    }

    /** Unknown targets, of which a mask says so, and what is behind the end of a sequence do not count. */
    @Test
    void maskedTargetsDoNotCount() {
        MultiLayerNetwork network = network(InputType.feedForward(5), numbers(Activation.IDENTITY).nOut(3).build());
        ComputationGraph graph = network.toComputationGraph();
        INDArray targets = targets();
        INDArray mask = Nd4j.ones(DataType.DOUBLE, 4, 3);
        targets.putScalar(1, 2, -999);
        mask.putScalar(1, 2, 0);
        DataSet data = new DataSet(Nd4j.ones(DataType.DOUBLE, 4, 5), targets, null, mask);
        assertScales(5, moved(network, () -> network.fit(data)).get("0_b"), 300, 1, 2);

        graph.setListeners(new StepSizeListener());
        assertScales(5, moved(graph, () -> graph.fit(data)).get("0_b"), 300, 1, 2);

        DataSet examples = new DataSet(Nd4j.ones(DataType.DOUBLE, 4, 5), targets(), null,
                Nd4j.createFromArray(new double[][]{{0}, {1}, {1}, {0}}));
        examples.getLabels().getRow(0).assign(1e6);
        MultiLayerNetwork another = network(InputType.feedForward(5), numbers(Activation.IDENTITY).nOut(3).build());
        assertScales(5, moved(another, () -> another.fit(examples)).get("0_b"), 300, 1, 2);
    }

    private static MultiLayerNetwork recurrent(RNNFormat format) {
        return network(InputType.recurrent(5, format), new LSTM.Builder().nOut(7).dataFormat(format).build(),
                new RnnOutputLayer.Builder(LossFunction.MSE).activation(Activation.IDENTITY).nOut(3).dataFormat(format).build());
    }

    @ParameterizedTest
    @EnumSource(RNNFormat.class)
    void whatIsBehindTheEndOfASequenceDoesNotCount(RNNFormat format) {
        MultiLayerNetwork network = recurrent(format);
        INDArray labels = series();
        INDArray mask = Nd4j.zeros(DataType.DOUBLE, 4, 6);
        for (int example = 0; example < 4; example++) {
            mask.get(NDArrayIndex.point(example), NDArrayIndex.interval(0, example + 1)).assign(1);
            labels.get(NDArrayIndex.point(example), NDArrayIndex.all(), NDArrayIndex.interval(example + 1, 6)).assign(0);
        }
        INDArray features = Problem.random(1, DataType.DOUBLE, 4, 5, 6);
        boolean timeFirst = format == RNNFormat.NWC;
        Map<String, INDArray> moved = moved(network, () -> network.fit(
                timeFirst ? features.permute(0, 2, 1).dup() : features, timeFirst ? labels.permute(0, 2, 1).dup() : labels, mask,
                mask));
        assertScales(7, moved.get("1_b"), 300, 1, 2);
    }

    /** As many steps of time as units. */
    @Test
    void timeIsNotTakenForUnits() {
        MultiLayerNetwork network = recurrent(RNNFormat.NWC);
        INDArray labels = targets().reshape(4, 1, 3).repeat(1, 3);
        Map<String, INDArray> moved = moved(network,
                () -> network.fit(Problem.random(1, DataType.DOUBLE, 4, 3, 5), labels));
        assertScales(7, moved.get("1_b"), 300, 1, 2);
    }

    /** The second half of the units is the exponential of what is computed for them: the layer's activation reads whole rows. */
    public static final class Halves extends BaseActivationFunction {

        private static final long serialVersionUID = 1;

        @Override
        public INDArray getActivation(INDArray in, boolean training) {
            INDArray second = second(in);
            second.assign(Transforms.exp(second, true));
            return in;
        }

        @Override
        public Pair<INDArray, INDArray> backprop(INDArray in, INDArray epsilon) {
            INDArray second = second(epsilon);
            second.muli(Transforms.exp(second(in), true));
            return new Pair<>(epsilon, null);
        }

        private static INDArray second(INDArray row) {
            return row.get(NDArrayIndex.all(), NDArrayIndex.interval(row.size(1) / 2, row.size(1)));
        }
    }

    @Test
    void activationsMayReadWholeRows() {
        MultiLayerNetwork network = network(InputType.feedForward(5),
                new OutputLayer.Builder(LossFunction.MSE).activation(new Halves()).nOut(4).build());
        assertNoneIsLarge(moved(network, () -> network.fit(Nd4j.ones(DataType.DOUBLE, 4, 5),
                Nd4j.ones(DataType.DOUBLE, 4, 4).muli(300))));
    }
}
