package io.github.dl4jstepsize;

import org.deeplearning4j.datasets.iterator.ExistingDataSetIterator;
import org.deeplearning4j.datasets.iterator.utilty.ListDataSetIterator;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.graph.ElementWiseVertex;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.recurrent.LastTimeStep;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

class LineProfileTest {

    /** One weight w and no bias, one example x = 1, y = 3: the loss is (w - 3)^2. */
    private static MultiLayerNetwork square() {
        MultiLayerNetwork network = new MultiLayerNetwork(new NeuralNetConfiguration.Builder().dataType(DataType.DOUBLE)
                .updater(new Sgd(0.1)).list()
                .layer(new OutputLayer.Builder(LossFunction.MSE).nIn(1).nOut(1).hasBias(false)
                        .activation(Activation.IDENTITY).build())
                .build());
        network.init();
        network.setParams(Nd4j.create(new double[][]{{1}}));
        return network;
    }

    private static DataSetIterator squareData() {
        DataSet example = new DataSet(Nd4j.create(new double[][]{{1}}), Nd4j.create(new double[][]{{3}}));
        return new ListDataSetIterator<>(List.of(example, example), 1);
    }

    @Test
    void aParabolaIsFoundExactly() {
        MultiLayerNetwork network = square();
        // The line w = 1 + s has its minimum at s = 2.
        LineProfile profile = LineProfile.measure(network, network.params(), Nd4j.create(new double[]{-5}),
                LineProfile.steps(-1, 4, 6), squareData());
        assertArrayEquals(new double[]{-1, 0, 1, 2, 3, 4}, profile.steps(), 1e-12);
        assertArrayEquals(new double[]{9, 4, 1, 0, 1, 4}, profile.losses(), 1e-12);
        assertEquals(2, profile.bestStep());
        assertEquals(2, profile.parabolaMinimum(), 1e-12);
        assertEquals(0, profile.parabolaError(), 1e-12);
        assertTrue(profile.isConvex(0));
        assertTrue(Double.isNaN(profile.accuracies()[0]), "no classes");
        assertEquals(1, network.params().getDouble(0), "the network is where it was");
    }

    private static MultiLayerNetwork classifier() {
        MultiLayerNetwork network = new MultiLayerNetwork(new NeuralNetConfiguration.Builder().seed(1)
                .updater(new Sgd(0.1)).activation(Activation.TANH).list()
                .layer(new DenseLayer.Builder().nOut(8).dropOut(0.5).build())
                .layer(new BatchNormalization())
                .layer(new OutputLayer.Builder(LossFunction.MCXENT).nOut(3).activation(Activation.SOFTMAX).build())
                .setInputType(InputType.feedForward(4)).build());
        network.init();
        return network;
    }

    private static DataSet classes() {
        Nd4j.getRandom().setSeed(5);
        INDArray labels = Nd4j.zeros(30, 3);
        for (int i = 0; i < 30; i++) {
            labels.putScalar(i, i % 3, 1);
        }
        return new DataSet(Nd4j.rand(30, 4), labels);
    }

    @Test
    void nothingIsLeftBehind() {
        MultiLayerNetwork network = classifier();
        DataSet data = classes();
        network.fit(data);
        INDArray before = network.params().dup();
        network.fit(data);
        INDArray now = network.params().dup();
        RandomState random = RandomState.now();
        INDArray direction = LineProfile.updateDirection(network, before);

        LineProfile profile = LineProfile.measure(network, before, direction, LineProfile.steps(0, 1, 3),
                new ListDataSetIterator<>(data.asList(), 10));
        assertEquals(now, network.params());
        assertTrue(random.isSameAs(RandomState.now()));
        assertEquals(profile.losses()[0], LineProfile.measure(network, before, direction, LineProfile.steps(0, 1, 3),
                new ListDataSetIterator<>(data.asList(), 10)).losses()[0], "the same dropout masks");
    }

    /** Where branches have parameters, DL4J's table of them is in another order than the flat parameters. */
    @Test
    void theUpdateDirectionOfBranchesLeavesOutRunningStatistics() {
        ComputationGraph network = new ComputationGraph(new NeuralNetConfiguration.Builder().seed(1).updater(new Sgd(0.1))
                .activation(Activation.TANH).graphBuilder().addInputs("in").setInputTypes(InputType.feedForward(4))
                .addLayer("dense", new DenseLayer.Builder().nOut(6).build(), "in")
                .addLayer("norm", new BatchNormalization(), "dense")
                .addLayer("shortcut", new DenseLayer.Builder().nOut(6).build(), "in")
                .addVertex("sum", new ElementWiseVertex(ElementWiseVertex.Op.Add), "norm", "shortcut")
                .addLayer("out", new OutputLayer.Builder(LossFunction.MCXENT).nOut(3).activation(Activation.SOFTMAX).build(),
                        "sum")
                .setOutputs("out").build());
        network.init();
        INDArray before = network.params().dup();
        network.fit(classes());
        Map<String, INDArray> now = new HashMap<>();
        network.paramTable().forEach((name, values) -> now.put(name, values.dup()));
        INDArray direction = LineProfile.updateDirection(network, before);
        network.setParams(before);
        Map<String, INDArray> then = new HashMap<>();
        network.paramTable().forEach((name, values) -> then.put(name, values.dup()));
        network.setParams(before.sub(direction.reshape(before.shape())));
        network.paramTable().forEach((name, values) -> {
            assertNotEquals(then.get(name), now.get(name), name + " has moved");
            INDArray expected = (BatchNormStatistics.isStatistic(name) ? then : now).get(name);
            assertTrue(expected.equalsWithEps(values, 1e-6), name);
        });
    }

    @Test
    void theUpdateDirectionLeavesOutRunningStatistics() {
        MultiLayerNetwork network = classifier();
        INDArray before = network.params().dup();
        network.fit(classes());
        INDArray direction = LineProfile.updateDirection(network, before);
        INDArray moved = before.dup().reshape(before.length()).sub(direction);
        INDArray now = network.params().reshape(before.length());
        // Layout: 4*8+8 of the dense layer, gamma 8, beta 8, mean 8, var 8, then 8*3+3 of the output layer.
        for (int i = 0; i < before.length(); i++) {
            boolean statistic = i >= 56 && i < 72;
            if (statistic) {
                assertEquals(0, direction.getDouble(i), "parameter " + i);
            } else {
                assertEquals(now.getDouble(i), moved.getDouble(i), 1e-6, "parameter " + i);
            }
        }
        assertTrue(now.getDouble(64) != before.getDouble(64), "the statistics have moved, so the test tests something");
    }

    @Test
    void accuracyIsThatOfTheNetwork() {
        MultiLayerNetwork network = classifier();
        DataSet data = classes();
        DataSetIterator batches = new ListDataSetIterator<>(data.asList(), 7);
        INDArray direction = Nd4j.rand(DataType.FLOAT, network.params().length());
        LineProfile profile = LineProfile.measure(network, network.params().dup(), direction, LineProfile.steps(0, 1, 3),
                batches);
        batches.reset();
        assertEquals(network.evaluate(batches).accuracy(), profile.accuracies()[0], 1e-9);
        INDArray probabilities = network.output(data.getFeatures());
        double sum = 0;
        for (int i = 0; i < data.numExamples(); i++) {
            int right = data.getLabels().getRow(i).argMax().getInt(0);
            double largestOther = 0;
            for (int j = 0; j < probabilities.size(1); j++) {
                largestOther = j == right ? largestOther : Math.max(largestOther, probabilities.getDouble(i, j));
            }
            sum += 1 / (1 + Math.exp(largestOther - probabilities.getDouble(i, right)));
        }
        assertEquals(sum / data.numExamples(), profile.smoothAccuracies()[0], 1e-6);
    }

    /** A bound that is a part of an infinite range bounds nothing. */
    @Test
    void aLossThatIsNotFiniteIsNeitherConvexNorBest() {
        MultiLayerNetwork network = square();
        DataSet overflowing = new DataSet(Nd4j.create(new double[][]{{1e200}}), Nd4j.create(new double[][]{{0}}));
        LineProfile profile = LineProfile.measure(network, network.params(), Nd4j.create(new double[]{1}),
                LineProfile.steps(0, 2, 3), new ListDataSetIterator<>(overflowing.asList(), 1));
        assertFalse(Double.isFinite(profile.losses()[0]), "the test tests something");
        assertFalse(profile.isConvex(0.1));
        assertEquals(1, profile.bestStep());
    }

    @Test
    void aBumpIsNotConvex() {
        MultiLayerNetwork network = new MultiLayerNetwork(new NeuralNetConfiguration.Builder().dataType(DataType.DOUBLE)
                .updater(new Sgd(0.1)).list()
                .layer(new OutputLayer.Builder(LossFunction.MSE).nIn(1).nOut(1).hasBias(false)
                        .activation(Activation.TANH).build())
                .build());
        network.init();
        network.setParams(Nd4j.create(new double[][]{{0}}));
        LineProfile profile = LineProfile.measure(network, network.params(), Nd4j.create(new double[]{-1}),
                LineProfile.steps(-3, 3, 13), squareData());
        assertFalse(profile.isConvex(0.01), "(tanh(s) - 3)^2 flattens on both sides");
    }

    @Test
    void whatCannotBeMeasuredIsRefused() {
        MultiLayerNetwork network = square();
        assertThrows(IllegalArgumentException.class, () -> LineProfile.measure(network, network.params(),
                Nd4j.create(new double[]{0}), LineProfile.steps(0, 1, 3), squareData()));
        assertThrows(IllegalArgumentException.class, () -> LineProfile.measure(network, network.params(),
                Nd4j.create(new double[]{1}), LineProfile.steps(0, 1, 2), squareData()));
    }

    /** Of sequences of different lengths the last steps that count are those that DL4J's own evaluation looks at. */
    @Test
    void masksCountInTheAccuracy() {
        MultiLayerNetwork network = new MultiLayerNetwork(new NeuralNetConfiguration.Builder().seed(1)
                .updater(new AutoUpdater()).list()
                .layer(new LastTimeStep(new LSTM.Builder().nOut(8).build()))
                .layer(Problem.classes(2).build()).setInputType(InputType.recurrent(2)).build());
        network.init();
        int examples = 32;
        INDArray features = Nd4j.zeros(examples, 2, 6);
        INDArray mask = Nd4j.zeros(examples, 6);
        INDArray labels = Nd4j.zeros(examples, 2);
        for (int i = 0; i < examples; i++) {
            int kind = i % 2;
            int length = 1 + i % 3;
            labels.putScalar(i, kind, 1);
            for (int t = 0; t < 6; t++) {
                // What is behind the end looks like the other kind.
                features.putScalar(new int[]{i, t < length ? kind : 1 - kind, t}, 1);
                mask.putScalar(i, t, t < length ? 1 : 0);
            }
        }
        DataSet data = new DataSet(features, labels, mask, null);
        network.setListeners(new StepSizeListener());
        for (int i = 0; i < 100; i++) {
            network.fit(data);
        }
        DataSetIterator all = new ListDataSetIterator<>(List.of(data), 1);
        double expected = network.evaluate(all).accuracy();
        assertEquals(1, expected);
        ComputationGraph graph = network.toComputationGraph();
        for (Model model : List.of(network, graph)) {
            LineProfile profile = LineProfile.measure(model, network.params(), network.params(),
                    new double[]{0, 1e-3, 2e-3}, all);
            assertEquals(expected, profile.accuracies()[0]);
        }
    }

    /** An example whose label is masked counts for nothing, whatever its label is. */
    @Test
    void masksOfLabelsCountInTheAccuracy() {
        MultiLayerNetwork network = new MultiLayerNetwork(new NeuralNetConfiguration.Builder().seed(1)
                .updater(new Sgd(0.1)).list().layer(Problem.classes(3).build()).setInputType(InputType.feedForward(4)).build());
        network.init();
        INDArray features = Problem.random(1, DataType.FLOAT, 9, 4);
        INDArray right = network.output(features).argMax(1);
        INDArray labels = Nd4j.zeros(9, 3);
        INDArray mask = Nd4j.zeros(9, 1);
        for (int i = 0; i < 9; i++) {
            // Two of three that count are right; of the others some have no label.
            int label = (right.getInt(i) + (i % 3 == 0 ? 1 : 0)) % 3;
            boolean counts = i < 6 && i != 4;
            mask.putScalar(i, 0, counts ? 1 : 0);
            labels.putScalar(i, label, counts || i == 4 ? 1 : 0);
        }
        // DL4J's merging of data sets makes another mask of this one.
        DataSetIterator data = new ExistingDataSetIterator(List.of(new DataSet(features, labels, null, mask)));
        LineProfile profile = LineProfile.measure(network, network.params(), network.params(), new double[]{0, 1e-3, 2e-3}, data);
        assertEquals(3 / 5.0, profile.accuracies()[0]);
    }

    @Test
    void targetsAreNoClasses() {
        MultiLayerNetwork network = new MultiLayerNetwork(new NeuralNetConfiguration.Builder().updater(new Sgd(0.1)).list()
                .layer(new OutputLayer.Builder(LossFunction.MSE).nIn(4).nOut(3).activation(Activation.IDENTITY).build())
                .build());
        network.init();
        for (INDArray targets : List.of(Problem.random(1, DataType.FLOAT, 5, 3), Nd4j.ones(5, 3))) {
            DataSetIterator data = new ListDataSetIterator<>(
                    List.of(new DataSet(Problem.random(2, DataType.FLOAT, 5, 4), targets)), 1);
            LineProfile profile = LineProfile.measure(network, network.params(), network.params(), LineProfile.steps(0, 1, 3),
                    data);
            assertTrue(Double.isNaN(profile.accuracies()[0]) && Double.isNaN(profile.smoothAccuracies()[0]));
        }
    }

    @Test
    void stepsHaveToIncreaseAndDataToBeThere() {
        MultiLayerNetwork network = square();
        for (double[] steps : new double[][]{{0, 1, 1}, {2, 1, 0}, {0, Double.NaN, 1}}) {
            String message = assertThrows(IllegalArgumentException.class, () -> LineProfile.measure(network, network.params(),
                    network.params(), steps, squareData())).getMessage();
            assertTrue(message.contains("greater than the one before"), message);
        }
        assertThrows(IllegalArgumentException.class, () -> LineProfile.measure(network, network.params(), network.params(),
                LineProfile.steps(0, 1, 3), new ListDataSetIterator<>(List.<DataSet>of(), 1)));
    }
}
