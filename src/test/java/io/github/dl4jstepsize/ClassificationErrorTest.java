package io.github.dl4jstepsize;

import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

import java.util.Arrays;
import java.util.Random;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

/** The metrics against the thesis' Algorithm 5 in plain Java. */
class ClassificationErrorTest {

    private static final double SLOPE = 2.5;

    @Test
    void softmax() {
        Random random = new Random(1);
        int examples = 50;
        int classes = 4;
        double[][] probabilities = new double[examples][classes];
        double[][] labels = new double[examples][classes];
        double right = 0;
        double smooth = 0;
        for (int i = 0; i < examples; i++) {
            double sum = 0;
            for (int j = 0; j < classes; j++) {
                probabilities[i][j] = Math.exp(3 * random.nextGaussian());
                sum += probabilities[i][j];
            }
            int label = random.nextInt(classes);
            labels[i][label] = 1;
            double largestOther = 0;
            for (int j = 0; j < classes; j++) {
                probabilities[i][j] /= sum;
                largestOther = j == label ? largestOther : Math.max(largestOther, probabilities[i][j]);
            }
            double margin = probabilities[i][label] - largestOther;
            right += margin > 0 ? 1 : 0;
            smooth += 1 / (1 + Math.exp(-SLOPE * margin));
        }
        double[] margins = ClassificationError.margins(flat(labels), flat(probabilities), classes);
        assertEquals(1 - right / examples, ClassificationError.hard().mean(margins, null), 1e-12);
        assertEquals(1 - smooth / examples, ClassificationError.smooth(SLOPE).mean(margins, null), 1e-12);
    }

    @Test
    void sigmoidOutputsAreQuestionsOfTheirOwn() {
        double[] margins = ClassificationError.margins(new double[]{1, 1, 0, 1}, new double[]{0.9, 0.4, 0.2, 0.3}, 1);
        assertEquals(0.5, ClassificationError.hard().mean(margins, null), 1e-12);
        double smooth = 0;
        for (double margin : new double[]{0.8, -0.2, 0.6, -0.4}) {
            smooth += 1 / (1 + Math.exp(-SLOPE * margin)) / 4;
        }
        assertEquals(1 - smooth, ClassificationError.smooth(SLOPE).mean(margins, null), 1e-12);
    }

    @Test
    void maskedAnswersDoNotCount() {
        ClassificationError hard = ClassificationError.hard();
        double[] margins = {1, -1, -1, -1, 1, -1};
        assertEquals(0.5, hard.mean(margins, new double[]{1, 0, 1}), 1e-12, "one weight for an example's two answers");
        assertEquals(1 / 3.0, hard.mean(margins, new double[]{1, 1, 0, 0, 1, 0}), 1e-12);
        assertEquals(0, hard.mean(margins, new double[3]), 1e-12);
    }

    @Test
    void whatIsNoClassHasNoLabel() {
        assertArrayEquals(new double[]{1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0},
                ClassificationError.oneHot(new double[]{0, -1, 2, 3}, 3));
    }

    /** Comparisons with NaN are false: a network gone astray must not look as if it made no errors. */
    @Test
    void anAnswerThatIsNotANumberIsNoRightOne() {
        for (ClassificationError error : new ClassificationError[]{ClassificationError.hard(), ClassificationError.smooth(SLOPE)}) {
            double[] ofSoftmax = ClassificationError.margins(new double[]{1, 0, 0, 1},
                    new double[]{0.7, 0.3, Double.NaN, Double.NaN}, 2);
            assertTrue(Double.isNaN(error.mean(ofSoftmax, null)));
            assertTrue(Double.isNaN(error.mean(ClassificationError.margins(new double[]{1}, new double[]{Double.NaN}, 1), null)));
        }
    }

    /** Arrays come in all orders, and as parts of others. */
    @Test
    void numbersAreReadRowByRow() {
        double[] expected = {1, 2, 3, 4, 5, 6};
        INDArray rows = Nd4j.createFromArray(new float[][]{{1, 2, 3}, {4, 5, 6}});
        assertArrayEquals(expected, ClassificationError.numbers(rows));
        assertArrayEquals(expected, ClassificationError.numbers(rows.dup('f')));
        INDArray wider = Nd4j.createFromArray(new double[][]{{0, 1, 2, 3}, {0, 4, 5, 6}});
        assertArrayEquals(expected, ClassificationError.numbers(wider.get(NDArrayIndex.all(), NDArrayIndex.interval(1, 4))));
        assertArrayEquals(new double[]{0, 1}, ClassificationError.numbers(Nd4j.createFromArray(false, true)));
    }

    private static double[] flat(double[][] rows) {
        return Arrays.stream(rows).flatMapToDouble(Arrays::stream).toArray();
    }
}
