package io.github.dl4jstepsize.examples;

import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.DataSetPreProcessor;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.factory.Nd4j;

import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * One epoch of batches from a data set in memory. The order depends on the seed and the epoch only, so that all methods
 * see the same batches and an interrupted training continues with the right ones.
 */
final class Batches implements DataSetIterator {

    private static final long serialVersionUID = 1;

    private static final int STATISTICS_BATCH = 200;
    /** The step from one seed to the next of SplitMix64, java.util.SplittableRandom's generator. */
    private static final long GOLDEN_GAMMA = 0x9E3779B97F4A7C15L;

    private final DataSet data;
    private final int batchSize;
    private final int[] order;
    private int next;
    private DataSetPreProcessor preProcessor;

    private Batches(DataSet data, int batchSize, int[] order) {
        this.data = data;
        this.batchSize = batchSize;
        this.order = order;
    }

    static Batches inOrder(DataSet data, int batchSize) {
        return new Batches(data, batchSize, IntStream.range(0, data.numExamples()).toArray());
    }

    /** In the order in which BatchNormalization's statistics of an average are measured. */
    static Batches forStatistics(DataSet data) {
        return inOrder(data, STATISTICS_BATCH);
    }

    /** Draws an epoch's order. Mixed by one generator, because neighbouring seeds of java.util.Random begin alike. */
    static Random random(long seed, int epoch) {
        return new Random(new Random(seed).nextLong() + epoch * GOLDEN_GAMMA);
    }

    static Batches shuffled(DataSet data, int batchSize, long seed, int epoch) {
        List<Integer> order = IntStream.range(0, data.numExamples()).boxed().collect(Collectors.toList());
        Collections.shuffle(order, random(seed, epoch));
        return new Batches(data, batchSize, order.stream().mapToInt(Integer::intValue).toArray());
    }

    /** Number of batches in an epoch. */
    int count() {
        return (order.length + batchSize - 1) / batchSize;
    }

    @Override
    public DataSet next(int examples) {
        if (!hasNext()) {
            throw new NoSuchElementException("the epoch is over");
        }
        int end = Math.min(next + examples, order.length);
        int[] rows = Arrays.copyOfRange(order, next, end);
        next = end;
        DataSet batch = new DataSet(rows(data.getFeatures(), rows), rows(data.getLabels(), rows));
        if (preProcessor != null) {
            preProcessor.preProcess(batch);
        }
        return batch;
    }

    private static INDArray rows(INDArray array, int[] rows) {
        long[] shape = array.shape();
        INDArray matrix = array.reshape('c', shape[0], array.length() / shape[0]);
        shape = shape.clone();
        shape[0] = rows.length;
        return Nd4j.pullRows(matrix, 1, rows, 'c').reshape('c', shape);
    }

    @Override
    public DataSet next() {
        return next(batchSize);
    }

    @Override
    public boolean hasNext() {
        return next < order.length;
    }

    @Override
    public void reset() {
        next = 0;
    }

    @Override
    public boolean resetSupported() {
        return true;
    }

    @Override
    public boolean asyncSupported() {
        return false;
    }

    @Override
    public int batch() {
        return batchSize;
    }

    @Override
    public int inputColumns() {
        return (int) (data.getFeatures().length() / data.numExamples());
    }

    @Override
    public int totalOutcomes() {
        return (int) data.getLabels().size(1);
    }

    @Override
    public List<String> getLabels() {
        return data.getLabelNamesList();
    }

    @Override
    public void setPreProcessor(DataSetPreProcessor preProcessor) {
        this.preProcessor = preProcessor;
    }

    @Override
    public DataSetPreProcessor getPreProcessor() {
        return preProcessor;
    }
}
