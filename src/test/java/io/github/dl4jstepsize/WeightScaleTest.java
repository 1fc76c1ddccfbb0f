package io.github.dl4jstepsize;

import io.github.dl4jstepsize.rule.Outcome;
import io.github.dl4jstepsize.rule.Step;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.WorkspaceMode;
import org.deeplearning4j.nn.conf.dropout.GaussianNoise;
import org.deeplearning4j.nn.conf.graph.ElementWiseVertex;
import org.deeplearning4j.nn.conf.graph.rnn.LastTimeStepVertex;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.ActivationLayer;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.DepthwiseConvolution2D;
import org.deeplearning4j.nn.conf.layers.DropoutLayer;
import org.deeplearning4j.nn.conf.layers.EmbeddingSequenceLayer;
import org.deeplearning4j.nn.conf.layers.GlobalPoolingLayer;
import org.deeplearning4j.nn.conf.layers.GravesLSTM;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.PReLULayer;
import org.deeplearning4j.nn.conf.layers.PoolingType;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.conf.layers.SeparableConvolution2D;
import org.deeplearning4j.nn.conf.layers.SubsamplingLayer;
import org.deeplearning4j.nn.conf.layers.ZeroPaddingLayer;
import org.deeplearning4j.nn.conf.layers.misc.ElementWiseMultiplicationLayer;
import org.deeplearning4j.nn.conf.layers.misc.FrozenLayer;
import org.deeplearning4j.nn.conf.layers.misc.FrozenLayerWithBackprop;
import org.deeplearning4j.nn.conf.layers.recurrent.Bidirectional;
import org.deeplearning4j.nn.conf.layers.recurrent.LastTimeStep;
import org.deeplearning4j.nn.conf.layers.recurrent.SimpleRnn;
import org.deeplearning4j.nn.conf.layers.variational.VariationalAutoencoder;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.weights.WeightInit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.activations.impl.ActivationReLU;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;
import org.nd4j.linalg.ops.transforms.Transforms;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

/** The natural size of each layer's weights, and POL's first step in units of it. */
class WeightScaleTest {

    private static final int INPUTS = 2;
    private static final int CLASSES = 4;

    private static MultiLayerNetwork network(IUpdater updater) {
        MultiLayerNetwork network = new MultiLayerNetwork(new NeuralNetConfiguration.Builder().seed(3)
                .dataType(DataType.DOUBLE).updater(updater).list()
                .layer(new ConvolutionLayer.Builder(3, 3).nOut(6).build())
                .layer(new BatchNormalization())
                .layer(new DepthwiseConvolution2D.Builder(2, 3).depthMultiplier(2).build())
                .layer(new SeparableConvolution2D.Builder(2, 2).nOut(5).build())
                .layer(new DenseLayer.Builder().nOut(7).build())
                .layer(Problem.classes(CLASSES).build())
                .setInputType(InputType.convolutional(8, 8, INPUTS)).build());
        network.init();
        network.setListeners(new StepSizeListener());
        return network;
    }

    /** Of the inputs' squares the mean is 1. */
    private static DataSet batch() {
        INDArray features = Problem.random(1, DataType.DOUBLE, 5, INPUTS, 8, 8);
        features.divi(Math.sqrt(features.mul(features).meanNumber().doubleValue()));
        return new DataSet(features, Problem.oneHot(1, DataType.DOUBLE, 5, CLASSES));
    }

    private static final Map<String, Integer> FAN_IN = Map.ofEntries(
            Map.entry("0_W", INPUTS * 9), Map.entry("0_b", INPUTS * 9),
            Map.entry("1_gamma", INPUTS * 9), Map.entry("1_beta", INPUTS * 9),
            Map.entry("2_W", 6), Map.entry("2_b", 6),
            Map.entry("3_W", 4), Map.entry("3_pW", 12), Map.entry("3_b", 12),
            Map.entry("4_W", 5 * 4 * 3), Map.entry("4_b", 5 * 4 * 3),
            Map.entry("5_W", 7), Map.entry("5_b", 7));

    @Test
    void dependsOnTheNumberOfInputsOfAUnit() {
        MultiLayerNetwork network = network(scale());
        Map<String, INDArray> moved = moved(network, () -> network.fit(batch()));
        FAN_IN.forEach((name, fanIn) -> assertFanIn(fanIn, moved.get(name)));
    }

    /** Where DL4J's own updater mixes up the order of the parameters, too, as in separable convolutions. */
    @Test
    void biasesAndGainsDoNotDecay() {
        MultiLayerNetwork network = network(new ProbeUpdater(batch -> {
            batch.direction().scale(0);
            batch.decayWeights(0.25);
            return Step.chosen(1, 1, Outcome.CONSTANT);
        }));
        network.params().addi(1);
        Map<String, INDArray> before = network.clone().paramTable();
        Map<String, INDArray> moved = moved(network, () -> network.fit(batch()));
        FAN_IN.keySet().forEach(name -> {
            INDArray expected = before.get(name).mul(name.endsWith("W") ? 0.25 : 0);
            assertEquals(0, ForwardPassTest.maxDifference(expected, moved.get(name)), 1e-12, name);
        });
    }

    /** PReLU's slopes, which may have as many dimensions as a convolution's weights, and element-wise factors are gains. */
    @Test
    void slopesAndFactorsAreGains() {
        MultiLayerNetwork network = network(InputType.convolutional(4, 4, 2), new ConvolutionLayer.Builder(1, 1).nOut(3).build(),
                new PReLULayer.Builder().inputShape(3, 4, 4).build(), new DenseLayer.Builder().nOut(5).build(),
                new ElementWiseMultiplicationLayer.Builder().nIn(5).nOut(5).build(), Problem.classes(CLASSES).build());
        Map<String, INDArray> moved = moved(network, () -> network.fit(Nd4j.ones(DataType.DOUBLE, 6, 2, 4, 4),
                Problem.oneHot(1, DataType.DOUBLE, 6, CLASSES)));
        assertFanIn(2, moved.get("1_W"));
        assertFanIn(48, moved.get("3_W"));
    }

    static Map<String, INDArray> moved(Model network, Runnable fit) {
        Map<String, INDArray> moved = new HashMap<>();
        network.paramTable().forEach((name, array) -> moved.put(name, array.dup()));
        fit.run();
        network.paramTable().forEach((name, array) -> moved.get(name).subi(array));
        return moved;
    }

    static void assertFanIn(double fanIn, INDArray moved) {
        assertEquals(1 / Math.sqrt(3 * fanIn), moved.minNumber().doubleValue(), 1e-12);
        assertEquals(1 / Math.sqrt(3 * fanIn), moved.maxNumber().doubleValue(), 1e-12);
    }

    static MultiLayerNetwork network(InputType input, Layer... layers) {
        MultiLayerNetwork network = new MultiLayerNetwork(new NeuralNetConfiguration.Builder().seed(1).dataType(DataType.DOUBLE)
                .updater(scale()).list(layers).setInputType(input).build());
        network.init();
        network.setListeners(new StepSizeListener());
        return network;
    }

    static IUpdater scale() {
        return new ProbeUpdater(batch -> {
            batch.weightScale(batch.direction());
            return Step.chosen(1, 1, Outcome.CONSTANT);
        });
    }

    /** One of twenty inputs is on in every step of time; what is behind the end of a sequence does not count. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void oneOfManyCountsByItsSquare(boolean masked) {
        int inputs = 20;
        int steps = 30;
        MultiLayerNetwork network = network(InputType.recurrent(inputs), new LSTM.Builder().nIn(inputs).nOut(30).build(),
                Problem.recurrentClasses(CLASSES).build());
        INDArray features = Nd4j.zeros(DataType.DOUBLE, 2, inputs, steps);
        INDArray labels = Nd4j.zeros(DataType.DOUBLE, 2, CLASSES, steps);
        INDArray mask = Nd4j.ones(DataType.DOUBLE, 2, steps);
        for (int example = 0; example < 2; example++) {
            for (int step = 0; step < steps; step++) {
                boolean behind = masked && example == 1 && step > 1;
                features.putScalar(example, (3 * step + example) % inputs, step, behind ? 0 : 3);
                labels.putScalar(example, step % CLASSES, step, 1);
                mask.putScalar(example, step, behind ? 0 : 1);
            }
        }
        Map<String, INDArray> moved = moved(network, () -> network.fit(features, labels, masked ? mask : null,
                masked ? mask : null));
        assertFanIn(9, moved.get("0_W"));
        assertFanIn(0.2 * 30, moved.get("0_RW"));
        assertFanIn(30, moved.get("0_b"));
        assertFanIn(0.2 * 30, moved.get("1_W"));
        assertFanIn(30, moved.get("1_b"));
    }

    /** Wrapped LSTMs, layers without parameters between, and a layer behind one that is no LSTM. */
    @Test
    void whatGatesLetThroughIsSmall() {
        MultiLayerNetwork network = network(InputType.recurrent(5),
                new FrozenLayerWithBackprop(new DenseLayer.Builder().nOut(6).build()), new LSTM.Builder().nOut(7).build(),
                new Bidirectional(Bidirectional.Mode.CONCAT, new LSTM.Builder().nOut(8).build()),
                new GlobalPoolingLayer(PoolingType.AVG), new DenseLayer.Builder().nOut(9).build(),
                Problem.classes(CLASSES).build());
        Map<String, INDArray> moved = moved(network, () -> network.fit(Problem.random(1, DataType.DOUBLE, 4, 5, 3),
                Problem.oneHot(1, DataType.DOUBLE, 4, CLASSES)));
        assertFanIn(6, moved.get("1_W"));
        assertFanIn(0.2 * 7, moved.get("1_RW"));
        assertFanIn(0.2 * 7, moved.get("2_fW"));
        assertFanIn(0.2 * 8, moved.get("2_bRW"));
        assertFanIn(0.2 * 16, moved.get("4_W"));
        assertFanIn(9, moved.get("5_W"));
    }

    /** Pixels up to 255 saturate gates: steps that are small enough for such inputs would not open them. */
    @Test
    void largeInputsDoNotShortenTheStepsOfGates() {
        for (Layer gates : new Layer[]{new LSTM.Builder().nOut(7).build(),
                new Bidirectional(Bidirectional.Mode.CONCAT, new GravesLSTM.Builder().nOut(7).build())}) {
            MultiLayerNetwork network = network(InputType.recurrent(5), gates, new GlobalPoolingLayer(PoolingType.AVG),
                    Problem.classes(CLASSES).build());
            Map<String, INDArray> moved = moved(network, () -> network.fit(
                    Problem.random(1, DataType.DOUBLE, 4, 5, 3).muli(255), Problem.oneHot(1, DataType.DOUBLE, 4, CLASSES)));
            String direction = gates instanceof Bidirectional ? "b" : "";
            assertFanIn(5, moved.get("0_" + direction + "W"));
            assertFanIn(0.2 * 7, moved.get("0_" + direction + "RW"));
        }
    }

    @Test
    void whatGatesLetThroughIsSmallInGraphs() {
        ComputationGraph network = new ComputationGraph(new NeuralNetConfiguration.Builder().dataType(DataType.DOUBLE)
                .updater(scale()).graphBuilder()
                .addInputs("in").setInputTypes(InputType.recurrent(5))
                .addLayer("lstm", new LSTM.Builder().nOut(7).build(), "in")
                .addVertex("last", new LastTimeStepVertex("in"), "lstm")
                .addLayer("dense", new DenseLayer.Builder().nOut(6).build(), "last")
                .addLayer("output", Problem.classes(CLASSES).build(), "dense")
                .setOutputs("output").build());
        network.init();
        network.setListeners(new StepSizeListener());
        Map<String, INDArray> moved = moved(network, () -> network.fit(
                new INDArray[]{Problem.random(1, DataType.DOUBLE, 4, 5, 3)},
                new INDArray[]{Problem.oneHot(1, DataType.DOUBLE, 4, CLASSES)}));
        assertFanIn(0.2 * 7, moved.get("lstm_RW"));
        assertFanIn(0.2 * 7, moved.get("dense_W"));
        assertFanIn(6, moved.get("output_W"));
    }

    @Test
    void timeMayComeBeforeTheFeatures() {
        MultiLayerNetwork network = network(InputType.recurrent(20, RNNFormat.NWC),
                new LastTimeStep(new LSTM.Builder().nIn(20).nOut(7).dataFormat(RNNFormat.NWC).build()),
                Problem.classes(CLASSES).build());
        INDArray features = Nd4j.zeros(DataType.DOUBLE, 12, 5, 20);
        for (int example = 0; example < 12; example++) {
            for (int step = 0; step < 5; step++) {
                features.putScalar(example, step, (example + step) % 20, 3);
            }
        }
        Map<String, INDArray> moved = moved(network, () -> network.fit(features,
                Problem.oneHot(1, DataType.DOUBLE, 12, CLASSES)));
        assertFanIn(9, moved.get("0_W"));
    }

    /** As the zoo's ResNet50 begins, and behind a frozen LSTM. */
    @Test
    void layersWithoutParametersAndFrozenOnesDoNotHideWhatIsBeforeThem() {
        MultiLayerNetwork padded = network(InputType.convolutional(6, 6, 2), new ZeroPaddingLayer(1, 1),
                new ConvolutionLayer.Builder(3, 3).nOut(3).build(), Problem.classes(CLASSES).build());
        INDArray pixels = Nd4j.ones(DataType.DOUBLE, 5, 2, 6, 6).muli(10);
        Map<String, INDArray> moved = moved(padded, () -> padded.fit(pixels, Problem.oneHot(1, DataType.DOUBLE, 5, CLASSES)));
        assertFanIn(100 * 18, moved.get("1_W"));

        MultiLayerNetwork frozen = network(InputType.recurrent(5),
                new FrozenLayer(new LastTimeStep(new LSTM.Builder().nOut(7).build())), Problem.classes(CLASSES).build());
        moved = moved(frozen, () -> frozen.fit(Problem.random(1, DataType.DOUBLE, 4, 5, 3),
                Problem.oneHot(1, DataType.DOUBLE, 4, CLASSES)));
        assertFanIn(0.2 * 7, moved.get("1_W"));
    }

    /**
     * Ten in a row behind a normalization: those between the first and the last are twice as many as make steps of full length.
     */
    @Test
    void layersInARowMakeShorterSteps() {
        Layer frozen = new FrozenLayerWithBackprop(dense());
        Layer damping = new DenseLayer.Builder().nOut(6).activation(Activation.HARDSIGMOID).build();
        Layer damped = new DenseLayer.Builder().nOut(6).activation(Activation.IDENTITY).build();
        MultiLayerNetwork network = network(InputType.feedForward(3), dense(), new BatchNormalization(), frozen, damping, damped,
                new ActivationLayer(Activation.SIGMOID), dense(), dense(), dense(), dense(), dense(), dense(), dense(), dense(),
                dense(), sigmoids());
        ComputationGraph graph = network.toComputationGraph();
        graph.setListeners(new StepSizeListener());
        for (Model model : List.of(network, graph)) {
            Map<String, INDArray> moved = moved(model, () -> Problem.fit(model, new MultiDataSet(
                    Problem.random(1, DataType.DOUBLE, 5, 3), Problem.oneHot(1, DataType.DOUBLE, 5, CLASSES))));
            for (String layer : List.of("3", "4", "6", "15")) {
                assertFanIn(4 * 6, moved.get(layer + "_W"));
                assertFanIn(4 * 6, moved.get(layer + "_b"));
            }
        }
    }

    private static OutputLayer sigmoids() {
        return new OutputLayer.Builder(LossFunction.XENT).nOut(CLASSES).activation(Activation.SIGMOID).build();
    }

    private static DenseLayer dense() {
        return new DenseLayer.Builder().nOut(6).activation(Activation.TANH).build();
    }

    /** The longest way through a graph counts, from a layer normalization on. */
    @Test
    void waysThroughAGraphAreAsLongAsTheLongest() {
        ComputationGraph network = new ComputationGraph(new NeuralNetConfiguration.Builder().dataType(DataType.DOUBLE)
                .updater(scale()).graphBuilder()
                .addInputs("in").setInputTypes(InputType.feedForward(6))
                .addLayer("before", dense(), "in")
                .addLayer("norm", new DenseLayer.Builder().nOut(6).hasLayerNorm(true).build(), "before")
                .addLayer("a", dense(), "norm")
                .addLayer("b", dense(), "a")
                .addLayer("c", dense(), "b")
                .addVertex("sum", new ElementWiseVertex(ElementWiseVertex.Op.Add), "a", "c")
                .addLayer("d", dense(), "sum")
                .addLayer("e", dense(), "d")
                .addLayer("f", dense(), "e")
                .addLayer("output", Problem.classes(CLASSES).build(), "f")
                .setOutputs("output").build());
        network.init();
        network.setListeners(new StepSizeListener());
        Map<String, INDArray> moved = moved(network, () -> network.fit(new INDArray[]{Problem.random(1, DataType.DOUBLE, 5, 6)},
                new INDArray[]{Problem.oneHot(1, DataType.DOUBLE, 5, CLASSES)}));
        for (String layer : List.of("a", "c", "output")) {
            assertFanIn(25 / 16.0 * 6, moved.get(layer + "_W"));
        }
    }

    /** 10 of 100 inputs are 3 in one input of a graph; 8 inputs from 0 to 255 in the other one. */
    @Test
    void aGraphsInputsCountByTheirSquaresEachForItself() {
        ComputationGraph network = new ComputationGraph(new NeuralNetConfiguration.Builder().dataType(DataType.DOUBLE)
                .updater(scale()).graphBuilder()
                .addInputs("unscaled", "sparse").setInputTypes(InputType.feedForward(8), InputType.feedForward(100))
                .addLayer("a", new DenseLayer.Builder().nOut(5).build(), "sparse")
                .addLayer("b", new DenseLayer.Builder().nOut(6).build(), "unscaled")
                .addLayer("output", Problem.classes(CLASSES).build(), "a", "b")
                .setOutputs("output").build());
        network.init();
        network.setListeners(new StepSizeListener());
        INDArray unscaled = Problem.random(1, DataType.DOUBLE, 12, 8).muli(255);
        double sumOfSquares = unscaled.mul(unscaled).sumNumber().doubleValue() / 12;
        INDArray sparse = Nd4j.zeros(DataType.DOUBLE, 12, 100);
        sparse.get(NDArrayIndex.all(), NDArrayIndex.interval(20, 30)).assign(-3);
        Map<String, INDArray> moved = moved(network, () -> network.fit(new INDArray[]{unscaled, sparse},
                new INDArray[]{Problem.oneHot(1, DataType.DOUBLE, 12, CLASSES)}));
        assertFanIn(90, moved.get("a_W"));
        assertFanIn(100, moved.get("a_b"));
        assertFanIn(sumOfSquares, moved.get("b_W"));
        assertFanIn(8, moved.get("b_b"));
        assertFanIn(11, moved.get("output_W"));
    }

    /**
     * 0, 3: through pooling and a rectifier, whatever the size of the inputs. 5: in part, through a hyperbolic tangent. 7: a
     * normalization within the layer. 8, 9: none.
     */
    @Test
    void weightsWhoseSizeANormalizationUndoesCountByTheirOwn() {
        MultiLayerNetwork network = network(InputType.convolutional(6, 6, 2),
                new ConvolutionLayer.Builder(3, 3).nOut(3).activation(Activation.IDENTITY).build(),
                new SubsamplingLayer.Builder().kernelSize(2, 2).build(), new BatchNormalization(),
                new DenseLayer.Builder().nOut(5).activation(Activation.RELU).build(), new BatchNormalization(),
                new DenseLayer.Builder().nOut(6).activation(Activation.TANH).build(), new BatchNormalization(),
                new DenseLayer.Builder().nOut(7).activation(Activation.TANH).hasLayerNorm(true).build(),
                new DenseLayer.Builder().nOut(8).activation(Activation.RELU).build(), Problem.classes(CLASSES).build());
        network.params().muli(10);
        Map<String, INDArray> before = network.clone().paramTable();
        Map<String, INDArray> moved = moved(network, () -> network.fit(Problem.random(1, DataType.DOUBLE, 5, 2, 6, 6).muli(255),
                Problem.oneHot(1, DataType.DOUBLE, 5, CLASSES)));
        for (String name : new String[]{"0_W", "3_W", "7_W"}) {
            assertFanIn(1 / (3 * meanSquare(before.get(name))), moved.get(name));
        }
        assertFanIn(2 / meanSquare(before.get("5_W")), moved.get("5_W"));
        assertFanIn(7, moved.get("8_W"));
        assertFanIn(8, moved.get("9_W"));
    }

    private static double meanSquare(INDArray array) {
        return array.mul(array).meanNumber().doubleValue();
    }

    /** A frozen normalization does not normalize, a rectifier with a maximum and added noise do so in part. */
    @Test
    void whatOnlyLooksLikeANormalizationDoesNotCount() {
        for (Layer[] between : new Layer[][]{
                {new DenseLayer.Builder().nOut(5).activation(Activation.RELU).build(),
                        new FrozenLayerWithBackprop(new BatchNormalization.Builder().nIn(5).nOut(5).build())},
                {new DenseLayer.Builder().nOut(5).activation(new ActivationReLU(6.0, 0.0, 0.0)).build(),
                    new BatchNormalization()},
                {new DenseLayer.Builder().nOut(5).activation(Activation.RELU).build(),
                        new DropoutLayer.Builder(new GaussianNoise(1)).build(), new BatchNormalization()},
                {new DenseLayer.Builder().nOut(5).activation(Activation.IDENTITY).build(),
                        new ActivationLayer.Builder().activation(Activation.RELU).dropOut(new GaussianNoise(1)).build(),
                        new BatchNormalization()},
                {new DenseLayer.Builder().nOut(5).activation(Activation.RELU).build(),
                        new BatchNormalization.Builder().dropOut(new GaussianNoise(1)).build()}}) {
            // With workspaces DL4J's frozen BatchNormalization fails.
            NeuralNetConfiguration.ListBuilder layers = new NeuralNetConfiguration.Builder().seed(1).dataType(DataType.DOUBLE)
                    .trainingWorkspaceMode(WorkspaceMode.NONE).updater(scale()).list(between);
            layers.layer(between.length, Problem.classes(CLASSES).build());
            MultiLayerNetwork network = new MultiLayerNetwork(layers.setInputType(InputType.feedForward(6)).build());
            network.init();
            network.setListeners(new StepSizeListener());
            network.params().muli(1e-3);
            INDArray features = Problem.random(1, DataType.DOUBLE, 8, 6);
            Map<String, INDArray> moved = moved(network,
                    () -> network.fit(features, Problem.oneHot(1, DataType.DOUBLE, 8, CLASSES)));
            assertFanIn(6 * meanSquare(features), moved.get("0_W"));
        }
    }

    /** Those of Xavier's size are smaller than He's, and a hyperbolic tangent is between them and the normalization. */
    @Test
    void smallWeightsBeforeOtherActivationsDoNotCountByTheirOwnSize() {
        MultiLayerNetwork network = network(InputType.feedForward(6),
                new DenseLayer.Builder().nOut(5).weightInit(WeightInit.XAVIER).activation(Activation.TANH).build(),
                new BatchNormalization(), Problem.classes(CLASSES).build());
        INDArray features = Problem.random(1, DataType.DOUBLE, 8, 6);
        Map<String, INDArray> moved = moved(network, () -> network.fit(features, Problem.oneHot(1, DataType.DOUBLE, 8, CLASSES)));
        assertFanIn(6 * meanSquare(features), moved.get("0_W"));
    }

    /** A is only read by a normalization, behind a rectifier; b by a sum as well; c is all 0, which counts as a tenth. */
    @Test
    void inGraphsAllThatReadsThemHasToUndoTheirSize() {
        ComputationGraph network = new ComputationGraph(new NeuralNetConfiguration.Builder().dataType(DataType.DOUBLE)
                .activation(Activation.IDENTITY).updater(scale()).graphBuilder()
                .addInputs("in").setInputTypes(InputType.feedForward(5))
                .addLayer("a", new DenseLayer.Builder().nOut(CLASSES).build(), "in")
                .addLayer("relu", new ActivationLayer(Activation.RELU), "a")
                .addLayer("a-norm", new BatchNormalization(), "relu")
                .addLayer("b", new DenseLayer.Builder().nOut(CLASSES).build(), "a-norm")
                .addLayer("b-norm", new BatchNormalization(), "b")
                .addVertex("sum", new ElementWiseVertex(ElementWiseVertex.Op.Add), "b", "b-norm")
                .addLayer("c", new DenseLayer.Builder().nOut(CLASSES).weightInit(WeightInit.ZERO).build(), "sum")
                .addLayer("c-norm", new BatchNormalization(), "c")
                .addLayer("output", Problem.classes(CLASSES).activation(Activation.SOFTMAX).build(), "c-norm")
                .setOutputs("output").build());
        network.init();
        network.setListeners(new StepSizeListener());
        INDArray weights = network.getParam("a_W").dup();
        Map<String, INDArray> moved = moved(network, () -> network.fit(
                new INDArray[]{Problem.random(1, DataType.DOUBLE, 6, 5)},
                new INDArray[]{Problem.oneHot(1, DataType.DOUBLE, 6, CLASSES)}));
        assertFanIn(1 / (3 * meanSquare(weights)), moved.get("a_W"));
        assertFanIn(CLASSES, moved.get("b_W"));
        assertFanIn(CLASSES * 100, moved.get("c_W"));
        assertFanIn(CLASSES, moved.get("output_W"));
    }

    /**
     * Of five inputs of 1 or -1, the second is a hundred times as large, the fourth three times, and the last is on in every
     * fourth example only: as one is larger than sqrt(10), all larger ones count as 1, and their weights are so many times
     * smaller.
     */
    @ParameterizedTest
    @EnumSource(RNNFormat.class)
    void inputsFarLargerThanOthersHaveSmallerWeights(RNNFormat format) {
        INDArray columns = Transforms.sign(Problem.random(1, DataType.DOUBLE, 12, 5));
        columns.getColumn(1).muli(100);
        columns.getColumn(3).muli(3);
        for (int example = 0; example < 12; example++) {
            columns.getColumn(4).putScalar(example, example % 4 == 0 ? 1 : 0);
        }
        double n = 4 + 0.25;
        MultiLayerNetwork table = network(InputType.feedForward(5), new DenseLayer.Builder().nOut(3).build(),
                Problem.classes(CLASSES).build());
        assertOneIsAHundredth(n, moved(table, () -> table.fit(columns, Problem.oneHot(1, DataType.DOUBLE, 12, CLASSES))));

        MultiLayerNetwork linear = network(InputType.feedForward(5), new OutputLayer.Builder(LossFunction.MSE).nOut(1)
                .activation(Activation.IDENTITY).build());
        assertOneIsAHundredth(n, moved(linear, () -> linear.fit(columns, Nd4j.ones(DataType.DOUBLE, 12, 1))));

        INDArray sequences = columns.reshape(4, 3, 5);
        boolean timeLast = format == RNNFormat.NCW;
        MultiLayerNetwork recurrent = network(InputType.recurrent(5, 3, format),
                new SimpleRnn.Builder().nOut(3).dataFormat(format).build(),
                new RnnOutputLayer.Builder().nOut(CLASSES).activation(Activation.SOFTMAX).dataFormat(format).build());
        assertOneIsAHundredth(n, moved(recurrent, () -> recurrent.fit(timeLast ? sequences.permute(0, 2, 1).dup() : sequences,
                timeLast ? Nd4j.ones(DataType.DOUBLE, 4, CLASSES, 3) : Nd4j.ones(DataType.DOUBLE, 4, 3, CLASSES))));
    }

    private static void assertOneIsAHundredth(double n, Map<String, INDArray> moved) {
        for (int input = 0; input < 5; input++) {
            assertFanIn(input == 1 ? 100 * 100 * n : input == 3 ? 3 * 3 * n : n, moved.get("0_W").getRow(input));
        }
        assertFanIn(5, moved.get("0_b"));
    }

    /** A VAE's inner weights read its own units, of which there are as many here; a gate's large inputs saturate it anyway. */
    @Test
    void onlyWeightsOfTheNetworksInputsAreMadeUpFor() {
        INDArray columns = Nd4j.ones(DataType.DOUBLE, 12, 5);
        columns.getColumn(1).muli(100);
        INDArray labels = Problem.oneHot(1, DataType.DOUBLE, 12, CLASSES);
        MultiLayerNetwork autoencoder = network(InputType.feedForward(5),
                new VariationalAutoencoder.Builder().encoderLayerSizes(5).decoderLayerSizes(5).nOut(3).build(),
                Problem.classes(CLASSES).build());
        assertFanIn(5, moved(autoencoder, () -> autoencoder.fit(columns, labels)).get("0_pZXMeanW"));

        MultiLayerNetwork gated = network(InputType.recurrent(5), new LastTimeStep(new LSTM.Builder().nOut(3).build()),
                Problem.classes(CLASSES).build());
        assertFanIn(5, moved(gated, () -> gated.fit(columns.reshape(12, 5, 1), labels)).get("0_W"));
    }

    /** So that two inputs are as usual as the smaller one. */
    @Test
    void inputsThatAreZeroSayNothingAboutOthers() {
        INDArray columns = Nd4j.zeros(DataType.DOUBLE, 8, 5);
        columns.getColumn(0).assign(1);
        columns.getColumn(1).assign(1000);
        MultiLayerNetwork network = network(InputType.feedForward(5), new DenseLayer.Builder().nOut(3).build(),
                Problem.classes(CLASSES).build());
        Map<String, INDArray> moved = moved(network, () -> network.fit(columns, Problem.oneHot(1, DataType.DOUBLE, 8, CLASSES)));
        assertFanIn(1 + 1, moved.get("0_W").getRow(0));
        assertFanIn(1e6 * (1 + 1), moved.get("0_W").getRow(1));
    }

    /** One column in another unit, where hidden units are as large as inputs: not behind TANH, and not normalized. */
    @Test
    void theSizeOfTablesCountsWhereUnitsAreAsLarge() {
        INDArray alike = Transforms.sign(Problem.random(1, DataType.DOUBLE, 12, 5)).muli(50);
        INDArray table = alike.dup();
        table.getColumn(1).muli(100);
        double size = 50 * Math.sqrt((4 + 100 * 100) / 5.0);
        assertEquals(size, inputSize(table, dense(Activation.RELU)), 1e-9);
        assertEquals(size, inputSize(table, dense(Activation.ELU)), 1e-9);
        assertEquals(size, inputSize(table, new DropoutLayer(0.5), dense(Activation.RELU), dense(Activation.TANH)), 1e-9);
        assertEquals(1, inputSize(alike, dense(Activation.RELU)), 1e-12);
        assertEquals(1, inputSize(table.div(1e5), dense(Activation.RELU)), 1e-12);
        assertEquals(1, inputSize(table, dense(Activation.TANH), dense(Activation.RELU)), 1e-12);
        assertEquals(1, inputSize(table, dense(Activation.RELU), new BatchNormalization()), 1e-12);
        assertEquals(1, inputSize(table, new FrozenLayerWithBackprop(dense(Activation.RELU)), dense(Activation.RELU)), 1e-12);
        OutputLayer linear = new OutputLayer.Builder(LossFunction.MSE).nOut(CLASSES).activation(Activation.IDENTITY).build();
        assertEquals(1, inputSizeBefore(linear, table), 1e-12, "no hidden units");
    }

    private static DenseLayer dense(Activation activation) {
        return new DenseLayer.Builder().nOut(3).activation(activation).build();
    }

    private static double inputSize(INDArray features, Layer... layers) {
        return inputSizeBefore(Problem.classes(CLASSES).build(), features, layers);
    }

    private static double inputSizeBefore(Layer output, INDArray features, Layer... layers) {
        double[] size = new double[1];
        // With one in a hundred seeds DL4J's softmax makes NaN of outputs as large as these.
        NeuralNetConfiguration.ListBuilder list = new NeuralNetConfiguration.Builder().seed(1).dataType(DataType.DOUBLE)
                .updater(new ProbeUpdater(batch -> {
                    size[0] = batch.inputSize();
                    return Step.chosen(0, 0, Outcome.CONSTANT);
                })).list();
        for (Layer layer : layers) {
            list.layer(layer);
        }
        MultiLayerNetwork network = new MultiLayerNetwork(list.layer(output)
                .setInputType(InputType.feedForward(5)).build());
        network.init();
        network.setListeners(new StepSizeListener());
        network.fit(features, Problem.oneHot(1, DataType.DOUBLE, 12, CLASSES));
        return size[0];
    }

    @Test
    void inputsThatAreAlmostZeroCountAsATenth() {
        MultiLayerNetwork network = network(InputType.feedForward(9), Problem.classes(CLASSES).build());
        Map<String, INDArray> moved = moved(network, () -> network.fit(Nd4j.ones(DataType.DOUBLE, 120, 9).muli(1e-3),
                Problem.oneHot(1, DataType.DOUBLE, 120, CLASSES)));
        assertFanIn(0.1, moved.get("0_W"));
    }

    /** Three examples, nine inputs: each is on in a third of the batches at most, even if each example has only one. */
    @ParameterizedTest
    @ValueSource(ints = {0, 1})
    void whatIsRarelyOnCountsMore(int on) {
        MultiLayerNetwork network = network(InputType.feedForward(9), Problem.classes(CLASSES).build());
        INDArray features = Nd4j.zeros(DataType.DOUBLE, 3, 9);
        features.putScalar(0, 2, on);
        Map<String, INDArray> moved = moved(network, () -> network.fit(features,
                Problem.oneHot(1, DataType.DOUBLE, 3, CLASSES)));
        assertFanIn(9 / 3, moved.get("0_W"));
    }

    /** Of 50 words, 7 in each of four examples: one is on, and each comes in every 50/28th batch. */
    @Test
    void embeddingsLookUpOneOfMany() {
        MultiLayerNetwork network = network(null, new EmbeddingSequenceLayer.Builder().nIn(50).nOut(6).inputLength(7).build(),
                new GlobalPoolingLayer(PoolingType.AVG), Problem.classes(CLASSES).nIn(6).build());
        Map<String, INDArray> moved = moved(network, () -> network.fit(Nd4j.ones(DataType.DOUBLE, 4, 7),
                Problem.oneHot(1, DataType.DOUBLE, 4, CLASSES)));
        assertFanIn(50 / 28.0, moved.get("0_W"));
        assertFanIn(6, moved.get("2_W"));
    }

    /** In the first iteration v_hat = g^2, and S the sum of scale |g|. */
    @Test
    void polsFirstStepIsAPolyakStep() {
        MultiLayerNetwork network = network(PolUpdater.builder().minStep(0).maxStep(1e9).warmUp(1).build());
        MultiLayerNetwork descent = network(new Sgd(1));
        Map<String, INDArray> before = descent.clone().paramTable();
        network.fit(batch());
        descent.fit(batch());
        double sum = FAN_IN.entrySet().stream().mapToDouble(entry ->
                before.get(entry.getKey()).sub(descent.getParam(entry.getKey())).norm1Number().doubleValue()
                        / Math.sqrt(3 * entry.getValue())).sum();
        StepRecord record = StepSizes.lastRecord(network);
        assertEquals(2 * record.loss() / sum, record.stepSize(), 1e-5 * record.stepSize());
        // Adam's first direction is the gradient's sign.
        INDArray moved = before.get("4_W").sub(network.getParam("4_W"));
        assertEquals(record.learningRate() / Math.sqrt(3 * 60), moved.maxNumber().doubleValue(), 1e-4 * record.stepSize());
    }

    @ParameterizedTest
    @EnumSource(value = Problem.class, names = {"GRAVES_LSTM", "EMBEDDED_WORDS", "FROZEN_BELOW", "RESIDUAL_GRAPH"})
    void otherNetworksTrainToo(Problem problem) {
        Model model = problem.network(new PolUpdater(), DataType.FLOAT);
        model.setListeners(List.of(new StepSizeListener()));
        problem.fit(model, 3);
        double size = model.params().norm1Number().doubleValue();
        assertTrue(Double.isFinite(size), problem + ": " + size);
    }
}
