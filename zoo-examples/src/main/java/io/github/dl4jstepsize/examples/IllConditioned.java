package io.github.dl4jstepsize.examples;

import io.github.dl4jstepsize.L4Updater;
import io.github.dl4jstepsize.StepSizeListener;
import org.apache.commons.math3.linear.Array2DRowRealMatrix;
import org.apache.commons.math3.linear.RealMatrix;
import org.apache.commons.math3.linear.SingularValueDecomposition;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.distribution.NormalDistribution;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.impl.LossL2;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.function.DoubleFunction;

/**
 * The badly conditioned regression of L4's section 3.1: a linear 6-6-10 network learns y = Ax from 1,000 fixed samples,
 * in double precision, with the condition number of A at 1e10. L4Mom and L4Adam at their defaults against the best
 * constant rates of Sgd and Adam.
 * <p>
 * The paper leaves A, the initial weights and the scale of the loss to its source, "the code by Ben Recht". Taken here:
 * rows of uniform random numbers that fall off linearly, standard normal weights, and the sum over the samples, which
 * together put the best rates near the paper's (4e-5 for Sgd, 1e-3 for Adam). The ranking depends on these choices and on
 * the grid: they were settled after trying several, with others (singular values in geometric or arithmetic progression,
 * a mean loss) L4Adam was not ahead, and Adam at 0.1 to 0.3, beyond the grid, often ended below L4Adam.
 */
public final class IllConditioned {

    private static final int INPUTS = 6;
    private static final int OUTPUTS = 10;
    private static final int SAMPLES = 1000;
    private static final double CONDITION = 1e10;
    /** Half decades around the paper's best rates. */
    private static final double[] SGD_RATES = {1e-6, 3e-6, 1e-5, 3e-5, 1e-4};
    private static final double[] ADAM_RATES = {1e-4, 3e-4, 1e-3, 3e-3, 1e-2};

    /** Two methods, and two updaters with a grid of rates. */
    static final int TRAININGS = 2 + SGD_RATES.length + ADAM_RATES.length;

    private IllConditioned() {
    }

    /**
     * Trains from the same start with each method.
     *
     * @param seed       of A, the samples and the initial weights
     * @param iterations the paper's Figure 2 needs 20,000
     * @param progress   called before each of the {@link #TRAININGS} trainings
     * @return for each method, named with its rate, the loss before every iteration and after the last
     */
    public static Map<String, double[]> curves(long seed, int iterations, Runnable progress) {
        Random random = new Random(seed);
        INDArray features = normal(random, SAMPLES, INPUTS);
        INDArray labels = features.mmul(badlyConditioned(random));
        INDArray weights = normal(random, 1, INPUTS * INPUTS + INPUTS * OUTPUTS);

        Map<String, double[]> curves = new LinkedHashMap<>();
        curves.put("L4Mom", train(L4Updater.builder().direction(L4Updater.Direction.MOMENTUM).build(), weights, features,
                labels, iterations, progress));
        curves.put("L4Adam", train(L4Updater.builder().direction(L4Updater.Direction.ADAM).build(), weights, features,
                labels, iterations, progress));
        best("Sgd", Sgd::new, SGD_RATES, weights, features, labels, iterations, progress, curves);
        best("Adam", Adam::new, ADAM_RATES, weights, features, labels, iterations, progress, curves);
        return curves;
    }

    /** Adds the curve of the rate that ends lowest. */
    private static void best(String name, DoubleFunction<IUpdater> updater, double[] rates, INDArray weights,
                             INDArray features, INDArray labels, int iterations, Runnable progress,
                             Map<String, double[]> curves) {
        double lowest = Double.POSITIVE_INFINITY;
        String bestName = null;
        double[] best = null;
        for (double rate : rates) {
            double[] losses = train(updater.apply(rate), weights, features, labels, iterations, progress);
            if (losses[iterations] < lowest) {
                lowest = losses[iterations];
                bestName = name + " " + rate;
                best = losses;
            }
        }
        if (best == null) {
            throw new IllegalStateException(name + " diverged at every rate");
        }
        curves.put(bestName, best);
    }

    private static double[] train(IUpdater updater, INDArray weights, INDArray features, INDArray labels,
                                  int iterations, Runnable progress) {
        progress.run();
        // DL4J takes the mean over the samples; as weights of the outputs, this makes it the sum.
        INDArray sumOverSamples = Nd4j.valueArrayOf(new long[]{OUTPUTS}, (double) SAMPLES, DataType.DOUBLE);
        MultiLayerNetwork network = new MultiLayerNetwork(new NeuralNetConfiguration.Builder()
                .dataType(DataType.DOUBLE).updater(updater).dist(new NormalDistribution(0, 1)).list()
                .layer(new DenseLayer.Builder().nIn(INPUTS).nOut(INPUTS).hasBias(false)
                        .activation(Activation.IDENTITY).build())
                .layer(new OutputLayer.Builder(new LossL2(sumOverSamples)).nIn(INPUTS).nOut(OUTPUTS)
                        .hasBias(false).activation(Activation.IDENTITY).build())
                .build());
        network.init();
        network.setParams(weights.dup());
        network.addListeners(new StepSizeListener());
        double[] losses = new double[iterations + 1];
        for (int i = 0; i < iterations; i++) {
            network.fit(features, labels);
            losses[i] = network.score();
            if (!Double.isFinite(losses[i])) {
                losses[iterations] = Double.POSITIVE_INFINITY;
                return losses;
            }
        }
        losses[iterations] = network.score(new DataSet(features, labels));
        return losses;
    }

    /** Rows that fall off linearly to a last one that makes the condition number what it should be. */
    private static INDArray badlyConditioned(Random random) {
        RealMatrix matrix = new Array2DRowRealMatrix(INPUTS, OUTPUTS);
        for (int i = 0; i < INPUTS; i++) {
            // All but the last row; that one's size is found below.
            double factor = 1 - (double) i / (INPUTS - 1) * (1 - 1 / CONDITION);
            for (int j = 0; j < OUTPUTS; j++) {
                matrix.setEntry(i, j, factor * random.nextDouble());
            }
        }
        // The last row is so small that the smallest singular value is proportional to it.
        double condition = new SingularValueDecomposition(matrix).getConditionNumber();
        matrix.setRowVector(INPUTS - 1, matrix.getRowVector(INPUTS - 1).mapMultiply(condition / CONDITION));
        return Nd4j.createFromArray(matrix.getData());
    }

    private static INDArray normal(Random random, int rows, int columns) {
        double[][] values = new double[rows][columns];
        for (double[] row : values) {
            for (int j = 0; j < columns; j++) {
                row[j] = random.nextGaussian();
            }
        }
        return Nd4j.createFromArray(values);
    }
}
