package io.github.dl4jstepsize;

import io.github.dl4jstepsize.rule.Scalars;
import io.github.dl4jstepsize.rule.StepRule;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * Where things are in the updater state of a block of n parameters in v variables:
 * <pre>
 *   [ base updater's state | memory vector 0: n | memory vector 1: n | ... | average: n | scalars: v * K ]
 * </pre>
 * DL4J asks for the size variable by variable and adds up, so that the room for scalars occurs once per variable. Those
 * of the network's first block are used, the others stay zero.
 * <p>
 * A double is stored as a sum of {@link #PARTS} numbers of the state's type, which is exact in single precision as well
 * from about 1e-29 to 3e38, and whose mean over several workers (ParallelWrapper) is the mean of the doubles.
 */
final class StateLayout {

    /** Three floats of 24 bits hold the 53 bits of a double. */
    private static final int PARTS = 3;

    private final StepSizeUpdater updater;
    private final int memoryVectors;
    private final int scalars;

    private StateLayout(StepSizeUpdater updater, StepRule rule) {
        this.updater = updater;
        this.memoryVectors = rule.memoryVectors() + (needsAverage(updater, rule) ? 1 : 0);
        Counter counter = new Counter();
        new Progress().state(counter);
        rule.state(counter);
        this.scalars = counter.count;
    }

    static StateLayout of(StepSizeUpdater updater) {
        return new StateLayout(updater, updater.newRule());
    }

    /** Whether an average has to be kept beside the rule's vectors. */
    static boolean needsAverage(StepSizeUpdater updater, StepRule rule) {
        return updater.isAveraging() && !rule.averages();
    }

    long size(long parameters, int variables) {
        return scalarsOffset(parameters) + (long) variables * PARTS * scalars;
    }

    /** The base updater's part of a block's state, null if it has none. */
    INDArray base(INDArray blockState, long parameters) {
        long size = updater.base().stateSize(parameters);
        return size == 0 ? null : part(blockState, 0, size);
    }

    /** A memory vector of the rule, or after those the average of the iterates. */
    INDArray memory(INDArray blockState, long parameters, int index) {
        return part(blockState, updater.base().stateSize(parameters) + index * parameters, parameters);
    }

    /** The scalars of a block. */
    double[] read(INDArray blockState, long parameters) {
        double[] parts = part(blockState, scalarsOffset(parameters), (long) PARTS * scalars).toDoubleVector();
        double[] values = new double[scalars];
        for (int i = 0; i < scalars; i++) {
            values[i] = parts[PARTS * i] + parts[PARTS * i + 1] + parts[PARTS * i + 2];
        }
        return values;
    }

    void write(INDArray blockState, long parameters, double[] values) {
        boolean single = blockState.dataType() == DataType.FLOAT;
        double[] parts = new double[PARTS * scalars];
        for (int i = 0; i < scalars; i++) {
            double rest = values[i];
            for (int j = 0; j < PARTS && rest != 0; j++) {
                double part = single ? (float) rest : rest;
                parts[PARTS * i + j] = part;
                // NaN and infinities are their own first part and have no rest.
                rest = Double.isFinite(part) ? rest - part : 0;
            }
        }
        part(blockState, scalarsOffset(parameters), parts.length)
                .assign(Nd4j.createFromArray(parts).castTo(blockState.dataType()));
    }

    /** The values of {@code progress} and {@code rule} in the order of storage. */
    double[] collect(Progress progress, StepRule rule) {
        double[] values = new double[scalars];
        Counter writer = new Counter() {
            @Override
            public double next(double value) {
                values[count] = value;
                return super.next(value);
            }
        };
        progress.state(writer);
        rule.state(writer);
        return values;
    }

    /** The inverse of {@link #collect}. */
    void distribute(double[] values, Progress progress, StepRule rule) {
        Counter reader = new Counter() {
            @Override
            public double next(double value) {
                return super.next(values[count]);
            }
        };
        progress.state(reader);
        rule.state(reader);
    }

    private long scalarsOffset(long parameters) {
        return updater.base().stateSize(parameters) + memoryVectors * parameters;
    }

    /** A view of some elements of a vector. */
    static INDArray part(INDArray array, long from, long length) {
        // get() makes the view a Fortran order vector, which means nothing for its elements, but ND4J's updater
        // operations take a slow path unless state and gradient, which is in C order, are alike.
        return array.get(NDArrayIndex.interval(from, from + length)).reshape('c', new long[]{length});
    }

    private static class Counter implements Scalars {

        int count;

        @Override
        public double next(double value) {
            count++;
            return value;
        }
    }
}
