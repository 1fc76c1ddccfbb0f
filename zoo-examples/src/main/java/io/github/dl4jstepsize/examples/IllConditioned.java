package io.github.dl4jstepsize.examples;

import org.apache.commons.math3.linear.Array2DRowRealMatrix;
import org.apache.commons.math3.linear.RealMatrix;
import org.apache.commons.math3.linear.SingularValueDecomposition;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.distribution.NormalDistribution;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.lossfunctions.impl.LossL2;

import java.util.Random;

/**
 * The badly conditioned regression of L4's section 3.1: a linear 6-6-10 network learns y = Ax from 1,000 fixed samples,
 * all of them in every batch, in double precision, with the condition number of A at 1e10.
 * <p>
 * The paper leaves A, the initial weights and the scale of the loss to its source, "the code by Ben Recht". Taken here:
 * rows of uniform random numbers that fall off linearly, standard normal weights, and the sum over the samples, which
 * together put the best rates near the paper's (4e-5 for Sgd, 1e-3 for Adam). The ranking depends on these choices:
 * they were settled after trying several, with others (singular values in geometric or arithmetic progression, a mean
 * loss) L4Adam was not ahead of the constant rates.
 */
final class IllConditioned {

    static final int SAMPLES = 1000;

    private static final int INPUTS = 6;
    private static final int OUTPUTS = 10;
    private static final double CONDITION = 1e10;
    private static final long SEED = 1;

    private IllConditioned() {
    }

    /** The samples to learn from, and as many others of the same A to test with. */
    static TrainTest load() {
        Random random = new Random(SEED);
        INDArray train = normal(random, SAMPLES, INPUTS);
        INDArray map = badlyConditioned(random);
        INDArray test = normal(random, SAMPLES, INPUTS);
        return new TrainTest(new DataSet(train, train.mmul(map)), new DataSet(test, test.mmul(map)));
    }

    static Model network(TrainTest data, IUpdater updater, long seed) {
        // DL4J takes the mean over the samples; as weights of the outputs, this makes it the sum.
        INDArray sumOverSamples = Nd4j.valueArrayOf(new long[]{OUTPUTS}, (double) SAMPLES, DataType.DOUBLE);
        return Networks.network(new NeuralNetConfiguration.Builder()
                .dataType(DataType.DOUBLE).seed(seed).updater(updater).weightInit(new NormalDistribution(0, 1)).list()
                .layer(new DenseLayer.Builder().nIn(INPUTS).nOut(INPUTS).hasBias(false)
                        .activation(Activation.IDENTITY).build())
                .layer(new OutputLayer.Builder(new LossL2(sumOverSamples)).nIn(INPUTS).nOut(OUTPUTS)
                        .hasBias(false).activation(Activation.IDENTITY).build())
                .build());
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
