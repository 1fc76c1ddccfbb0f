package io.github.dl4jstepsize.examples;

import io.github.dl4jstepsize.LineProfile;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

import java.util.LinkedHashMap;
import java.util.Map;

import static org.junit.jupiter.api.Assertions.assertEquals;

class LineTest {

    /** The loss along the line is (s - 0.1)^2: its minimum is at 0.1, and at 0.2 it is what it was at 0. */
    @Test
    void marksWhereTheMethodsWouldStep() {
        MultiLayerNetwork network = new MultiLayerNetwork(new NeuralNetConfiguration.Builder().dataType(DataType.DOUBLE)
                .updater(new Sgd(0.1)).list()
                .layer(new OutputLayer.Builder(LossFunction.MSE).nIn(1).nOut(1).hasBias(false)
                        .activation(Activation.IDENTITY).build()).build());
        network.init();
        network.setParams(Nd4j.create(new double[][]{{2.9}}));
        DataSet example = new DataSet(Nd4j.create(new double[][]{{1}}), Nd4j.create(new double[][]{{3}}));
        Map<String, LineProfile> profiles = new LinkedHashMap<>();
        for (String set : new String[]{"this batch", "ten batches", "training set"}) {
            profiles.put(set, LineProfile.measure(network, network.params(), Nd4j.create(new double[]{-1}),
                    LineProfile.steps(-0.3, 1, 131), Batches.inOrder(example, 1)));
        }
        Map<String, Double> marks = new Line(0, 0.07, profiles).marks();
        assertEquals(0.07, marks.get("step taken"));
        assertEquals(0.2, marks.get("PAL, this batch"), 1e-9, "twice as far as the minimum");
        assertEquals(0.1, marks.get("LABPAL, ten batches"), 1e-9, "at the minimum");
        // s^2 - 0.2 s <= -c 0.2 s holds up to 0.2 (1 - c); c is 0.5.
        assertEquals(0.1, marks.get("Armijo, this batch"), 0.01 + 1e-9);
        assertEquals(0.1, marks.get("best, training set"), 1e-9);
    }
}
