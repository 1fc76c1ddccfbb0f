package io.github.dl4jstepsize;

import org.deeplearning4j.nn.api.Model;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.ops.transforms.Transforms;

import java.util.Map;
import java.util.TreeMap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

/** What DoG, Prodigy and MoMo do in whole networks, with one block of parameters and with several. */
class ParameterFreeNetworkTest {

    private static final int ITERATIONS = 25;

    private static Model network(Problem problem, IUpdater updater) {
        Model network = problem.network(updater, DataType.DOUBLE);
        network.addListeners(new StepSizeListener());
        return network;
    }

    /** Trains both networks on the same batch with the same dropout masks. */
    private static void fitAlike(Problem problem, int batch, Model one, Model other) {
        RandomState before = RandomState.now();
        Problem.fit(one, problem.batch(batch, 8, DataType.DOUBLE));
        before.restore();
        Problem.fit(other, problem.batch(batch, 8, DataType.DOUBLE));
    }

    private static Map<String, INDArray> copy(Model model) {
        Map<String, INDArray> copy = new TreeMap<>();
        model.paramTable().forEach((name, values) -> {
            if (!BatchNormStatistics.isStatistic(name)) {
                copy.put(name, values.dup());
            }
        });
        return copy;
    }

    /** Euclidean, over all trained parameters; null is the origin. */
    private static double distance(Map<String, INDArray> from, Map<String, INDArray> to) {
        double squares = 0;
        for (String name : from.keySet()) {
            INDArray difference = to == null ? from.get(name) : from.get(name).sub(to.get(name));
            squares += difference.mul(difference).sumNumber().doubleValue();
        }
        return Math.sqrt(squares);
    }

    /** Where the maximum step binds, MoMo-Adam is Adam with that learning rate. */
    @ParameterizedTest
    @EnumSource(value = Problem.class, names = {"MLP_CLIPPED", "RESIDUAL_GRAPH"})
    void momoWithALoneMaximumIsAdam(Problem problem) {
        double rate = 1e-3;
        // A bound so low that no step reaches it; an epsilon whose place in the formula does not matter.
        Model momo = network(problem, MomoUpdater.builder().maxStep(rate).epsilon(1e-30).lowerBound(-1e9).build());
        Model adam = network(problem, Adam.builder().learningRate(rate).epsilon(1e-30).build());
        INDArray start = momo.params().dup();
        for (int i = 0; i < ITERATIONS; i++) {
            fitAlike(problem, i, momo, adam);
            assertEquals(rate, StepSizes.lastRecord(momo).learningRate());
        }
        assertEquals(0, momo.params().distance2(adam.params()), 1e-9);
        assertTrue(momo.params().distance2(start) > 1e-3, "the networks have moved");
    }

    /** Along the gradient of each batch, which Sgd shows, by r over the root of G. */
    @ParameterizedTest
    @EnumSource(value = Problem.class, names = {"MLP_CLIPPED", "RESIDUAL_GRAPH"})
    void dogWalksByDistanceOverGradients(Problem problem) {
        Model dog = network(problem, new DogUpdater());
        Map<String, INDArray> start = copy(dog);
        double farthest = 0;
        double squares = 0;
        for (int i = 0; i < ITERATIONS; i++) {
            Map<String, INDArray> before = copy(dog);
            farthest = i == 0 ? 1e-4 * (1 + distance(start, null)) : Math.max(farthest, distance(before, start));
            Model descent = network(problem, new Sgd(1));
            descent.setParams(dog.params().dup());
            fitAlike(problem, i, dog, descent);
            double gradient = distance(copy(descent), before);
            squares += gradient * gradient;
            double rate = farthest / Math.sqrt(squares + 1e-8);
            assertEquals(rate, StepSizes.lastRecord(dog).learningRate(), 1e-9 * rate);
            assertEquals(rate * gradient, distance(copy(dog), before), 1e-9 * rate * gradient + 1e-15);
        }
    }

    /** The estimate is the ratio of its sums, taken from Sgd's gradients. */
    @ParameterizedTest
    @EnumSource(value = Problem.class, names = {"MLP_CLIPPED", "RESIDUAL_GRAPH"})
    void prodigyEstimatesItsDistance(Problem problem) {
        Model prodigy = network(problem, new ProdigyUpdater());
        Map<String, INDArray> start = copy(prodigy);
        Map<String, INDArray> sums = copy(prodigy);
        Map<String, INDArray> firsts = copy(prodigy);
        Map<String, INDArray> seconds = copy(prodigy);
        sums.values().forEach(sum -> sum.assign(0));
        firsts.values().forEach(first -> first.assign(0));
        seconds.values().forEach(second -> second.assign(0));
        double numerator = 0;
        double d = 1e-6;
        for (int i = 0; i < ITERATIONS; i++) {
            Map<String, INDArray> before = copy(prodigy);
            Model descent = network(problem, new Sgd(1));
            descent.setParams(prodigy.params().dup());
            fitAlike(problem, i, prodigy, descent);
            Map<String, INDArray> after = copy(descent);
            double beta3 = Math.sqrt(0.999);
            double denominator = 0;
            double last = d;
            numerator *= beta3;
            for (String name : start.keySet()) {
                INDArray gradient = before.get(name).sub(after.get(name));
                numerator += d / 1e-6 * d * gradient.mul(start.get(name).sub(before.get(name))).sumNumber().doubleValue();
                INDArray sum = sums.get(name).muli(beta3).addi(gradient.mul(d / 1e-6 * d));
                denominator += Transforms.abs(sum).sumNumber().doubleValue();
                firsts.get(name).muli(0.9).addi(gradient.mul(0.1 * d));
                seconds.get(name).muli(0.999).addi(gradient.mul(gradient).muli(0.001 * d * d));
            }
            d = Math.max(d, numerator / denominator);
            StepRecord record = StepSizes.lastRecord(prodigy);
            assertEquals(d, record.stepSize(), 1e-6 * d);
            assertEquals(last, record.learningRate(), 1e-6 * last);
            Map<String, INDArray> moved = copy(prodigy);
            for (String name : start.keySet()) {
                INDArray expected = before.get(name).sub(firsts.get(name)
                        .div(Transforms.sqrt(seconds.get(name)).addi(d * 1e-8)).muli(last));
                assertEquals(0, expected.distance2(moved.get(name)), 1e-6 * last, name);
            }
        }
        assertTrue(d > 1e-5, "the estimate has grown to " + d);
    }

    @Test
    void momoTakesTheLowerBoundOfTheUser() {
        Model momo = network(Problem.MLP_CLIPPED, MomoUpdater.builder().lowerBound(100).build());
        String message = assertThrows(IllegalStateException.class,
                () -> Problem.MLP_CLIPPED.fit(momo, 1)).getMessage();
        assertTrue(message.contains("never below 100.0"), message);
    }
}
