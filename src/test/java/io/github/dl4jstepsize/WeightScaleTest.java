package io.github.dl4jstepsize;

import io.github.dl4jstepsize.rule.Outcome;
import io.github.dl4jstepsize.rule.Step;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.DepthwiseConvolution2D;
import org.deeplearning4j.nn.conf.layers.SeparableConvolution2D;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.config.Sgd;

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

    private static DataSet batch() {
        return new DataSet(Problem.random(1, DataType.DOUBLE, 5, INPUTS, 8, 8),
                Problem.oneHot(1, DataType.DOUBLE, 5, CLASSES));
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
        MultiLayerNetwork network = network(new ProbeUpdater(batch -> {
            batch.direction().assign(batch.weightScale());
            return Step.chosen(1, 1, Outcome.CONSTANT);
        }));
        Map<String, INDArray> before = network.clone().paramTable();
        network.fit(batch());
        FAN_IN.forEach((name, fanIn) -> {
            INDArray moved = before.get(name).sub(network.getParam(name));
            double expected = 1 / Math.sqrt(3 * fanIn);
            assertEquals(expected, moved.minNumber().doubleValue(), 1e-12, name);
            assertEquals(expected, moved.maxNumber().doubleValue(), 1e-12, name);
        });
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
