package io.github.dl4jstepsize;

import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.GradientUpdater;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.IUpdater;

/**
 * The direction that an updater makes of a gradient while its state stays as it is, for a search that may throw.
 * <p>
 * ND4J's own updaters treat every element by itself, and have states of some vectors as long as the gradient. Their states are
 * copied piece by piece, so that the copy needs no more than {@link BlockVector#PIECE} elements. For other updaters all is one
 * piece.
 */
@SuppressWarnings("rawtypes")
final class TentativeUpdate {

    private static final String ELEMENTWISE = Adam.class.getPackageName();

    private final INDArray state;
    private final long length;
    private final long piece;
    private final INDArray copy;
    private final GradientUpdater ofPiece;
    /** For the last piece if it is shorter. */
    private final GradientUpdater ofRest;

    /**
     * @param updater makes the updates
     * @param state   its state for the whole gradient
     * @param length  of the gradient
     */
    TentativeUpdate(IUpdater updater, INDArray state, long length) {
        this.state = state;
        this.length = length;
        boolean elementwise = updater.getClass().getPackageName().equals(ELEMENTWISE);
        piece = elementwise ? Math.min(length, BlockVector.PIECE / (state.length() / length)) : length;
        copy = Nd4j.createUninitialized(state.dataType(), sizeOfState(piece));
        ofPiece = updater.instantiate(copy, false);
        long rest = length % piece;
        ofRest = rest == 0 ? ofPiece : updater.instantiate(StateLayout.part(copy, 0, sizeOfState(rest)), false);
    }

    private long sizeOfState(long elements) {
        return elements == length ? state.length() : state.length() / length * elements;
    }

    /** Turns the gradient into the direction. */
    @SuppressWarnings("unchecked")
    void apply(INDArray gradient, int iteration, int epoch) {
        if (piece == length) {
            copy.assign(state);
            ofPiece.applyUpdater(gradient, iteration, epoch);
            return;
        }
        INDArray flat = gradient.reshape(length);
        for (long from = 0; from < length; from += piece) {
            long size = Math.min(piece, length - from);
            for (int i = 0; i < state.length() / length; i++) {
                StateLayout.part(copy, i * size, size).assign(StateLayout.part(state, i * length + from, size));
            }
            (size == piece ? ofPiece : ofRest).applyUpdater(StateLayout.part(flat, from, size), iteration, epoch);
        }
    }
}
